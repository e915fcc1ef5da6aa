/** What `isobar doctor` makes of what it found. Pure: facts in, lines out; probes.ts finds the facts. */
import type { Inspection } from '../../infra/local/prerequisites.mjs'

export type Status = 'ok' | 'warn' | 'fail'
/** `fix`: the command to type, null where nothing is to be done. */
export type Line = { readonly check: string; readonly status: Status; readonly detail: string; readonly fix: string | null }

/** What a probe saw, or why it saw nothing. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }
type Tool = 'java' | 'maven' | 'rabbitmq' | 'chromium'
type Stage = { readonly name: string; readonly status: string; readonly reason: string | null }
export type Pipeline = { readonly clock: 'system' | 'stream'; readonly stages: readonly Stage[] }

export type Facts = {
  readonly nodeVersion: string
  readonly packagesAreCurrent: boolean
  readonly prerequisites: Outcome<Inspection>
  /** Which servers the next start would run here: those without an address in the environment. */
  readonly startsHere: { readonly java: boolean; readonly rabbitmq: boolean }
  readonly chromium: Outcome<string | null>
  readonly installLines: Readonly<Record<Tool, string | null>>
  readonly folders: ReadonlyArray<{ readonly use: 'cache' | 'data'; readonly folder: string; readonly freeBytes: number }>
  readonly cache: { readonly folder: string; readonly isWritable: boolean }
  /** The port that a start would take; a reason when there is none. */
  readonly httpPort: Outcome<number>
  readonly run:
    | { readonly kind: 'none' }
    | { readonly kind: 'stale'; readonly orphans: number }
    | {
        readonly kind: 'running'
        readonly state: string
        readonly launcherPid: number
        readonly logFolder: string
        readonly gone: readonly string[]
        /** /readyz of the API: true, why not, or false without an answer. */
        readonly api: boolean | string
      }
  /** Each null where no address is known. */
  readonly servers: {
    readonly kafka: Outcome<ReadonlyArray<{ readonly topic: string; readonly change: string }>> | null
    readonly registry: Outcome<readonly string[]> | null
    readonly clickhouse: Outcome<null> | null
    readonly migrations: Outcome<readonly string[]> | null
    readonly rabbitmq: Outcome<null> | null
  }
  readonly pipeline: Outcome<Pipeline> | null
  /** Of slack, email and webhook, those with an address in this environment. */
  readonly channels: Outcome<readonly string[]>
}

const NODE_WANTED = 24
const GIB = 1024 ** 3
/** Packages (0.9 GB) and servers, as the first start announces them, and room to work. */
const FREE_BYTES = { fail: 2 * GIB, warn: 5 * GIB } as const
const NAMED = 3
/** How api-client.ts words a missing, wrong or too narrow key. */
const REFUSED = /^40[13] /
const CHANNEL_SETTING = {
  slack: 'SLACK_WEBHOOK_URL',
  email: 'SMTP_URL and EMAIL_TO',
  webhook: 'WEBHOOK_URL and WEBHOOK_SECRET',
} as const

export function judge(facts: Facts): Line[] {
  return [...judgeMachine(facts), judgeRun(facts), ...judgeServers(facts), ...judgePipeline(facts), judgeChannels(facts)]
}

export const hasFailed = (lines: readonly Line[]): boolean => lines.some(({ status }) => status === 'fail')

function judgeMachine(facts: Facts): Line[] {
  const { nodeVersion, packagesAreCurrent, folders, cache, httpPort, run } = facts
  const isRunning = run.kind === 'running'
  return [
    Number(nodeVersion.replace(/^v/, '').split('.')[0]) >= NODE_WANTED
      ? ok('node', nodeVersion)
      : fail('node', `${nodeVersion}; ${NODE_WANTED} or newer is needed`, 'node infra/local/bootstrap.mjs install'),
    packagesAreCurrent
      ? ok('packages', 'as package-lock.json says')
      : fail('packages', 'not as package-lock.json says', 'node infra/local/bootstrap.mjs install'),
    ...judgePrerequisites(facts),
    judgeChromium(facts),
    ...folders.map(({ use, folder, freeBytes }) => judgeDisk(use, folder, freeBytes)),
    cache.isWritable
      ? ok('cache', `${cache.folder} can be written`)
      : fail('cache', `${cache.folder} cannot be written`, `sudo chown -R "$(id -un)" ${quoted(cache.folder)}`),
    isRunning
      ? ok('http port', 'taken by the local run')
      : httpPort.ok
        ? ok('http port', `${httpPort.value} is free`)
        : fail('http port', httpPort.reason, 'unset HTTP_PORT'),
  ]
}

function judgePrerequisites({ prerequisites, startsHere, installLines }: Facts): Line[] {
  if (!prerequisites.ok) return [fail('prerequisites', prerequisites.reason, installLines.rabbitmq)]
  const { java, maven, rabbitmq, servers } = prerequisites.value
  const line = (tool: 'java' | 'maven' | 'rabbitmq', source: typeof java, isNeeded: boolean): Line => {
    if (!isNeeded) return ok(tool, source === 'missing' ? 'not here, and not needed' : WHENCE[source])
    return source === 'missing' ? fail(tool, 'missing', installLines[tool]) : ok(tool, WHENCE[source])
  }
  return [
    line('java', java, startsHere.java),
    line('maven', maven, startsHere.java && !servers),
    line('rabbitmq', rabbitmq, startsHere.rabbitmq),
  ]
}

const WHENCE = {
  system: 'installed on this system',
  cache: 'unpacked in the cache',
  fetchable: 'not here; the next start fetches it',
  missing: 'missing',
} as const

function judgeChromium({ chromium, installLines }: Facts): Line {
  if (!chromium.ok) return warn('chromium', chromium.reason, 'unset CHROMIUM_PATH')
  if (chromium.value !== null) return ok('chromium', chromium.value)
  return warn('chromium', 'none found; only browser tests need it and are skipped', installLines.chromium)
}

function judgeDisk(use: string, folder: string, freeBytes: number): Line {
  const detail = `${(freeBytes / GIB).toFixed(1)} GiB free at ${folder}`
  const fix = use === 'data' ? './isobar reset --yes' : `du -xsh ${quoted(folder)}/*`
  if (freeBytes < FREE_BYTES.fail) return fail(`disk (${use})`, `${detail}; ${FREE_BYTES.fail / GIB} are needed`, fix)
  if (freeBytes < FREE_BYTES.warn) return warn(`disk (${use})`, `${detail}; below ${FREE_BYTES.warn / GIB}`, fix)
  return ok(`disk (${use})`, detail)
}

function judgeRun({ run }: Facts): Line {
  if (run.kind === 'none') return warn('local run', 'nothing runs here', 'npm start')
  if (run.kind === 'stale') {
    const left = run.orphans === 1 ? '1 process is left' : `${run.orphans} processes are left`
    return warn('local run', `the last run ended without cleaning up; ${left}`, 'npm start')
  }
  if (run.state !== 'ready') return warn('local run', `is ${run.state}`, './isobar doctor')
  if (run.gone.length > 0) return fail('local run', `no longer running: ${some(run.gone)}`, restart(run.launcherPid))
  if (run.api !== true)
    return fail('local run', run.api === false ? 'the API does not answer' : run.api, restart(run.launcherPid))
  return ok('local run', 'all processes run, the API is ready')
}

function judgeServers({ servers, run }: Facts): Line[] {
  const { kafka, registry, clickhouse, migrations, rabbitmq } = servers
  const lines: Line[] = []
  const reach = (check: string, outcome: Outcome<unknown> | null, setting: string): boolean => {
    if (outcome === null) return false
    if (outcome.ok) lines.push(ok(check, 'answers'))
    else lines.push(fail(check, outcome.reason, again(run, `export ${setting}=…`)))
    return outcome.ok
  }
  if (reach('kafka', kafka, 'KAFKA_BROKERS') && kafka?.ok) {
    const changes = kafka.value.map(({ topic, change }) => `${topic} (${change})`)
    lines.push(wanted('topics', changes, 'as the catalogue says', './isobar topics apply'))
  }
  if (reach('registry', registry, 'SCHEMA_REGISTRY_URL') && registry?.ok)
    lines.push(wanted('schemas', registry.value, 'all registered', './isobar topics apply'))
  if (reach('clickhouse', clickhouse, 'CLICKHOUSE_URL') && migrations !== null) {
    if (migrations.ok) lines.push(wanted('migrations', migrations.value, 'all applied', './isobar deploy'))
    else lines.push(fail('migrations', migrations.reason, './isobar deploy'))
  }
  reach('rabbitmq server', rabbitmq, 'AMQP_URL')
  return lines
}

function wanted(check: string, missing: readonly string[], whenNone: string, fix: string): Line {
  return missing.length === 0 ? ok(check, whenNone) : fail(check, `${missing.length} to do: ${some(missing)}`, fix)
}

/** A stage that waits for its first event is no fault; one that is behind or stale deserves a look, and may catch up by itself. */
function judgePipeline({ pipeline, run }: Facts): Line[] {
  if (pipeline === null) return []
  if (!pipeline.ok) {
    return REFUSED.test(pipeline.reason)
      ? [warn('pipeline', 'reading needs a key in ISOBAR_API_KEY', './isobar keys create --name doctor --scopes read')]
      : [fail('pipeline', pipeline.reason, again(run, 'export ISOBAR_URL=http://host:port'))]
  }
  const { clock, stages } = pipeline.value
  const logs = (name: string): string | null =>
    run.kind === 'running' ? `tail -n 20 ${quoted(run.logFolder)}/${name}.log` : null
  // A replay begins by itself; a provider may be out of reach, and then nothing else would tell.
  const isSilent = clock === 'system' && stages.some(({ name, status }) => name === 'ingest' && status === 'waiting')
  const silent = isSilent
    ? [warn('observations', 'none has come in since the start: is the provider in reach?', logs('producer'))]
    : []
  const late = stages
    .filter(({ status }) => status === 'behind' || status === 'stale')
    .map(({ name, status, reason }) => warn(`stage ${name}`, `${status}${reason ? `: ${reason}` : ''}`, logs('*')))
  if (late.length > 0 || isSilent) return [...silent, ...late]
  return [ok('pipeline', `${stages.length} stages keep up`)]
}

function judgeChannels({ channels }: Facts): Line {
  if (!channels.ok) return fail('alert channels', channels.reason, './isobar alerts test')
  const configured = channels.value
  const unset = Object.entries(CHANNEL_SETTING).filter(([name]) => !configured.includes(name))
  if (unset.length === 0) return ok('alert channels', configured.join(', '))
  const detail = `not configured in this environment: ${unset.map(([name, setting]) => `${name} (${setting})`).join(', ')}`
  // One channel that reaches people is enough; the others are a choice.
  if (configured.length > 0) return ok('alert channels', `${configured.join(', ')}; ${detail}`)
  return warn('alert channels', `${detail}; alerts stay in the outbox`, 'export SLACK_WEBHOOK_URL=https://hooks.slack.com/…')
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ')
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown
}

const restart = (launcherPid: number): string => `kill ${launcherPid}; npm start`
/** A local run is started again; an address from the environment is to be set right. */
const again = (run: Facts['run'], setting: string): string => (run.kind === 'running' ? restart(run.launcherPid) : setting)
const quoted = (path: string): string => `'${path.replaceAll("'", String.raw`'\''`)}'`
const ok = (check: string, detail: string): Line => ({ check, status: 'ok', detail, fix: null })
const warn = (check: string, detail: string, fix: string | null): Line => ({ check, status: 'warn', detail, fix })
const fail = (check: string, detail: string, fix: string | null): Line => ({ check, status: 'fail', detail, fix })
