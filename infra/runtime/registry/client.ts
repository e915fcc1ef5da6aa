/**
 * Schema registry. Services only look up; `registerSchemas` is the deploy step. Three answers are kept apart: a schema,
 * "there is no such schema" (AppError, permanent for what was read, transient for what is to be written) and "the registry does not answer" (AppError transient, never a poison message).
 */
import { COMPATIBILITY, SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { backoffMs, pause } from '../backoff.ts'
import type { RegistryConfig } from '../config/index.ts'
import { AppError, messageOf } from '../errors.ts'

export type Registry = {
  /**
   * The id under which exactly this schema stands in the subject. Throws `schema-not-registered` or `registry-unavailable`, both transient: what
   * is to be written waits for the deploy step, nothing is lost for want of it.
   */
  findId(subject: string, schema: object): Promise<number>
  /** The schema of an id, as JSON. Throws `schema-id-unknown` or `registry-unavailable`. */
  findSchema(id: number): Promise<object>
  /** Deploy step: registers under FULL_TRANSITIVE. Throws `schema-incompatible` or `registry-unavailable`. */
  register(subject: string, schema: object): Promise<{ id: number }>
  /** Rejects with `registry-unavailable` when it does not answer. */
  ping(): Promise<void>
}

/** The client library has no timeouts: without these a registry that accepts connections and never answers is waited for without end. */
const LOOKUP_MS = 10_000
/** Comparing with every earlier version takes its time. */
const REGISTER_MS = 30_000
const REGISTER_ATTEMPTS = 6
const HALF_MADE_BACKOFF = { initialMs: 100, maxMs: 1000 }

type RawSchema = Parameters<SchemaRegistry['register']>[0]

export function openRegistry(config: RegistryConfig): Registry {
  const host = config.schemaRegistryUrl.replace(/\/$/, '')
  const auth =
    config.schemaRegistryUsername === undefined
      ? undefined
      : { username: config.schemaRegistryUsername, password: config.schemaRegistryPassword ?? '' }
  const client = new SchemaRegistry({
    host,
    clientId: 'isobar',
    ...(auth ? { auth } : {}),
    // The callers back off on their own, with heartbeats; long retries in here would stall the consumer.
    retry: { retries: 1, initialRetryTimeInSecs: 0.05, maxRetryTimeInSecs: 0.2 },
  })

  return {
    async findId(subject, schema) {
      try {
        return await within(
          LOOKUP_MS,
          client.getRegistryIdBySchema(subject, schema as Parameters<SchemaRegistry['getRegistryIdBySchema']>[1]),
        )
      } catch (error) {
        if (!isNotFound(error)) throw classify(error, 'registry-unavailable', 'refused', { subject })
        throw new AppError(`schema of ${subject} is not registered; run: isobar topics apply (${messageOf(error)})`, {
          code: 'schema-not-registered',
          retry: 'transient',
          cause: error,
          context: { subject },
        })
      }
    },
    async findSchema(id) {
      try {
        return await fetchSchema(host, id, auth)
      } catch (error) {
        throw classify(error, 'schema-id-unknown', `the registry has no schema ${id}`, { schemaId: id })
      }
    },
    async register(subject, schema) {
      const register = () =>
        within(REGISTER_MS, client.register(schema as RawSchema, { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE }))
      try {
        for (let attempt = 1; ; attempt++) {
          try {
            return await register()
          } catch (error) {
            if (attempt === REGISTER_ATTEMPTS || !isHalfMade(error)) throw error
            await pause(backoffMs(attempt, HALF_MADE_BACKOFF))
          }
        }
      } catch (error) {
        throw classify(error, 'schema-incompatible', `${subject} was refused`, { subject })
      }
    },
    async ping() {
      try {
        const response = await fetch(`${host}/subjects`, { headers: authHeader(auth), signal: AbortSignal.timeout(5000) })
        await response.arrayBuffer()
        if (!response.ok) throw new AppError(`answered ${response.status}`, { code: 'registry-unavailable', retry: 'transient' })
      } catch (error) {
        throw classify(error, 'registry-unavailable', 'no answer', {})
      }
    },
  }
}

/**
 * Somebody else is making the same subject: it has come between our look and our request, or it is there and its rule, which the client
 * sets after the first version, is not. A rule that stays another one is an operator's, and an error.
 */
function isHalfMade(error: unknown): boolean {
  const isNew = (error as { status?: unknown }).status === 409 && messageOf(error).includes('already exists')
  return isNew || isRuleMismatch(error)
}

/** The client takes the status away from this one answer, "there is no such subject or schema", and wraps nothing else in this class. */
function isNotFound(error: unknown): boolean {
  return (error as Error).name === 'ConfluentSchemaRegistryError'
}

function isRuleMismatch(error: unknown): boolean {
  return (error as Error).name === 'ConfluentSchemaRegistryCompatibilityError'
}

async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

type Auth = { username: string; password: string } | undefined

/** The writer's schema as JSON: the client's getSchema returns a compiled type only, and reports 404 as any other error. */
async function fetchSchema(host: string, id: number, auth: Auth): Promise<object> {
  const response = await fetch(`${host}/schemas/ids/${id}`, { headers: authHeader(auth), signal: AbortSignal.timeout(5000) })
  const text = await response.text()
  if (!response.ok)
    throw Object.assign(new Error(`registry answered ${response.status}: ${text.slice(0, 200)}`), { status: response.status })
  return JSON.parse((JSON.parse(text) as { schema: string }).schema) as object
}

function authHeader(auth: Auth): Record<string, string> {
  return auth ? { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` } : {}
}

/** 4xx is an answer about the schema (408, 429 and refused logins excepted); everything else means the registry is not there now. */
function classify(error: unknown, permanentCode: string, message: string, context: Record<string, unknown>): AppError {
  if (error instanceof AppError) return error
  const status = (error as { status?: unknown }).status
  const answered = isRuleMismatch(error) || status === 404 || status === 409 || status === 422
  return new AppError(answered ? `${message} (${messageOf(error)})` : `schema registry unavailable: ${messageOf(error)}`, {
    code: answered ? permanentCode : 'registry-unavailable',
    retry: answered ? 'permanent' : 'transient',
    cause: error,
    context: { ...context, ...(status === undefined ? {} : { status }) },
  })
}
