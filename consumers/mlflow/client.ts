/** The few calls of the MLflow REST interface (2.0) that mirroring needs. Source: https://mlflow.org/docs/latest/api_reference/rest-api.html */
import { AppError, messageOf } from '../../infra/runtime/errors.ts'

export type MlflowOptions = {
  readonly mlflowTrackingUri: string
  readonly mlflowTrackingUsername?: string | undefined
  readonly mlflowTrackingPassword?: string | undefined
  readonly mlflowTrackingToken?: string | undefined
}

export type MlflowRun = { readonly info: { readonly run_id: string; readonly artifact_uri: string } }
export type KeyValue = { readonly key: string; readonly value: string }
export type Metric = { readonly key: string; readonly value: number; readonly timestamp: number; readonly step: number }
export type MlflowClient = ReturnType<typeof createMlflowClient>

const TIMEOUT_MS = 30_000
/** Limits of one log-batch call. */
const BATCH = 100
/** What another try may cure: rate limits, and credentials or hosts that an operator has yet to put right. */
const RETRIED = new Set([401, 403, 408, 425, 429])

/** Every call rejects with AppError: `mlflow-unavailable` (transient) or `mlflow-refused` (permanent, context.errorCode). */
export function createMlflowClient(options: MlflowOptions) {
  const base = options.mlflowTrackingUri.replace(/\/+$/, '')
  const authorization = authorizationOf(options)

  async function send(method: string, path: string, body?: unknown): Promise<unknown> {
    const isBytes = body instanceof Uint8Array
    let response: Response
    let text: string
    try {
      response = await fetch(`${base}${path}`, {
        method,
        headers: {
          ...authorization,
          ...(body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      text = await response.text()
    } catch (error) {
      throw new AppError(`MLflow cannot be reached: ${messageOf(error)}`, {
        code: 'mlflow-unavailable',
        retry: 'transient',
        cause: error,
      })
    }
    if (response.ok) return text === '' ? {} : parsed(text)
    const errorCode = (parsed(text) as { error_code?: string })?.error_code ?? ''
    const isTransient = response.status >= 500 || RETRIED.has(response.status)
    throw new AppError(`MLflow answered ${response.status} to ${method} ${path.split('?')[0]}: ${text.slice(0, 300)}`, {
      code: isTransient ? 'mlflow-unavailable' : 'mlflow-refused',
      retry: isTransient ? 'transient' : 'permanent',
      context: { errorCode, status: response.status },
    })
  }
  const get = (path: string, query: Record<string, string>) =>
    send('GET', `/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`)
  const post = (path: string, body: unknown) => send('POST', `/api/2.0/mlflow/${path}`, body)

  return {
    /** Id of the experiment of this name, created when absent. */
    async experiment(name: string): Promise<string> {
      const find = async () =>
        ((await get('experiments/get-by-name', { experiment_name: name })) as { experiment: { experiment_id: string } })
          .experiment.experiment_id
      const found = await unlessRefused('RESOURCE_DOES_NOT_EXIST', find)
      if (found !== null) return found
      const created = await unlessRefused('RESOURCE_ALREADY_EXISTS', () => post('experiments/create', { name }))
      return created === null ? find() : (created as { experiment_id: string }).experiment_id
    },
    async findRun(experimentId: string, tag: string, value: string): Promise<MlflowRun | null> {
      const filter = `tags.\`${tag}\` = '${value}'`
      const { runs } = (await post('runs/search', { experiment_ids: [experimentId], filter, max_results: 1 })) as {
        runs?: MlflowRun[]
      }
      return runs?.[0] ?? null
    },
    async createRun(experimentId: string, runName: string, startTime: number, tags: readonly KeyValue[]): Promise<MlflowRun> {
      const body = { experiment_id: experimentId, run_name: runName, start_time: startTime, tags }
      return ((await post('runs/create', body)) as { run: MlflowRun }).run
    },
    /** Adds what is not there; the same again changes nothing. A param that has another value is refused by the server. */
    async log(runId: string, metrics: readonly Metric[], params: readonly KeyValue[], tags: readonly KeyValue[]): Promise<void> {
      const most = Math.max(metrics.length, params.length, tags.length)
      for (let i = 0; i < most; i += BATCH) {
        const part = <T>(all: readonly T[]): readonly T[] => all.slice(i, i + BATCH)
        await post('runs/log-batch', { run_id: runId, metrics: part(metrics), params: part(params), tags: part(tags) })
      }
    },
    endRun: (runId: string, status: 'FINISHED' | 'FAILED', endTime: number) =>
      post('runs/update', { run_id: runId, status, end_time: endTime }),
    /** False when the server does not take artefacts itself (its experiment points to a store of its own). */
    async putArtefact(run: MlflowRun, name: string, bytes: Uint8Array): Promise<boolean> {
      const path = /^mlflow-artifacts:(?:\/\/[^/]+)?\/+(.+)$/.exec(run.info.artifact_uri)?.[1]
      if (path === undefined) return false
      await send('PUT', `/api/2.0/mlflow-artifacts/artifacts/${path}/${encodeURIComponent(name)}`, bytes)
      return true
    },
    /** Creates the registered model unless it is there. */
    async registeredModel(name: string, description: string): Promise<void> {
      await unlessRefused('RESOURCE_ALREADY_EXISTS', () => post('registered-models/create', { name, description }))
    },
    async aliases(name: string): Promise<ReadonlyMap<string, string>> {
      const { registered_model: model } = (await get('registered-models/get', { name })) as {
        registered_model: { aliases?: Array<{ alias: string; version: string }> }
      }
      return new Map((model.aliases ?? []).map(({ alias, version }) => [alias, version]))
    },
    setAlias: (name: string, alias: string, version: string) => post('registered-models/alias', { name, alias, version }),
    deleteAlias: (name: string, alias: string) => send('DELETE', '/api/2.0/mlflow/registered-models/alias', { name, alias }),
    /** Number of the version made from a run; null when there is none. */
    async findVersion(name: string, runId: string): Promise<string | null> {
      const filter = `name = '${name}' and run_id = '${runId}'`
      const answer = (await get('model-versions/search', { filter, max_results: '1' })) as {
        model_versions?: Array<{ version: string }>
      }
      return answer.model_versions?.[0]?.version ?? null
    },
    async createVersion(name: string, run: MlflowRun, tags: readonly KeyValue[]): Promise<string> {
      const body = { name, source: run.info.artifact_uri, run_id: run.info.run_id, tags }
      return ((await post('model-versions/create', body)) as { model_version: { version: string } }).model_version.version
    },
    tagVersion: (name: string, version: string, key: string, value: string) =>
      post('model-versions/set-tag', { name, version, key, value }),
  }
}

async function unlessRefused<T>(errorCode: string, call: () => Promise<T>): Promise<T | null> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof AppError && error.context['errorCode'] === errorCode) return null
    throw error
  }
}

/** Null for what is not JSON: a proxy's error page. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function authorizationOf(options: MlflowOptions): Record<string, string> {
  if (options.mlflowTrackingToken) return { authorization: `Bearer ${options.mlflowTrackingToken}` }
  if (!options.mlflowTrackingUsername) return {}
  const pair = `${options.mlflowTrackingUsername}:${options.mlflowTrackingPassword ?? ''}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
