/** The processes of a local run: which services share one, and what they are told. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { StackUrls } from '../../infra/local/stack.ts'
import { readyOrReason } from '../../infra/local/readiness.ts'
import type { ChildSpec } from '../../infra/local/supervisor.ts'

export const REPLICA_IDS = ['replica-0', 'replica-1'] as const
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const SERVICE_LAYER = 10
/** The producer goes first when stopping, so that what it sent can still flow through. */
const PRODUCER_LAYER = 20

const PIPELINE = [
  'quality-control',
  'features',
  'verification',
  'drift',
  'retraining',
  'promotion',
  'archive',
  'alert-rules',
  'alert-policy',
  'alert-transports',
]

/** RabbitMQ is the last of the servers to come up, and these wait for it by themselves: nothing else does. */
const ALERTING = new Set(['alert-policy', 'alert-transports'])

export type ProcessPlan = {
  readonly urls: StackUrls
  readonly artifactStore: string
  readonly outboxDir: string
  readonly httpPort: number
  /** One probe port per process, in the order of `processSpecs`. */
  readonly probePorts: readonly number[]
  readonly clock: 'stream' | 'system'
  readonly producers: readonly string[]
  readonly producerUpWhen: '/readyz' | '/livez'
  /** Where Node keeps compiled code: every later start of a process is faster. */
  readonly compileCacheDir: string
  readonly producerEnv: Readonly<Record<string, string>>
  readonly env: NodeJS.ProcessEnv
}

export const PROCESS_COUNT = 6

/** Everything but the producer, and the producer: what it publishes early waits in its topic. */
export function processSpecs(plan: ProcessPlan): { readonly services: ChildSpec[]; readonly producer: ChildSpec } {
  const [pipeline, inference0, inference1, training, api, producer] = plan.probePorts as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    services: [
      {
        ...spec(plan, 'pipeline', [...PIPELINE, ...(mirrorsToMlflow(plan.env) ? ['mlflow'] : [])], pipeline, {}),
        ready: () => readyOrReason(`http://127.0.0.1:${pipeline}/readyz`, (service) => ALERTING.has(service)),
      },
      spec(plan, 'inference-0', ['inference'], inference0, { REPLICA_ID: REPLICA_IDS[0] }),
      spec(plan, 'inference-1', ['inference'], inference1, { REPLICA_ID: REPLICA_IDS[1] }),
      spec(plan, 'training', ['training'], training, trainingEnv(plan)),
      spec(plan, 'api', ['api'], api, {
        HTTP_PORT: String(plan.httpPort),
        PUBLIC_READ: plan.env['PUBLIC_READ'] ?? 'true',
        PUBLIC_RATE_LIMIT_PER_MINUTE: plan.env['PUBLIC_RATE_LIMIT_PER_MINUTE'] ?? '0',
      }),
    ],
    producer: {
      ...spec(plan, 'producer', plan.producers, producer, plan.producerEnv),
      ready: `http://127.0.0.1:${producer}${plan.producerUpWhen}`,
      layer: PRODUCER_LAYER,
    },
  }
}

/** A core is left to live forecasts however many models are to be fitted. A replay stands still while one is: there rests only hold it up. */
function trainingEnv({ env, clock }: ProcessPlan): Record<string, string> {
  const workers = env['TRAINING_WORKERS'] ?? String(Math.max(1, availableParallelism() - 1))
  return {
    TRAINING_WORKERS: workers,
    ...(clock === 'stream' ? { TRAINING_CORES: env['TRAINING_CORES'] ?? workers } : {}),
  }
}

function mirrorsToMlflow(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env['MLFLOW_TRACKING_URI'] || env['MLFLOW_TRACKING_URI_FILE'])
}

function spec(
  plan: ProcessPlan,
  name: string,
  services: readonly string[],
  probePort: number,
  extra: Readonly<Record<string, string>>,
): ChildSpec {
  const { urls } = plan
  return {
    name,
    layer: SERVICE_LAYER,
    command: process.execPath,
    args: ['--no-warnings=ExperimentalWarning', MAIN, 'run', ...services],
    env: {
      ...plan.env,
      KAFKA_BROKERS: urls.kafkaBrokers,
      SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
      CLICKHOUSE_URL: urls.clickhouseUrl,
      AMQP_URL: urls.amqpUrl,
      SMTP_URL: urls.smtpUrl,
      ARTIFACT_STORE: plan.artifactStore,
      OUTBOX_DIR: plan.outboxDir,
      CLOCK: plan.clock,
      METRICS_PORT: String(probePort),
      NODE_COMPILE_CACHE: plan.compileCacheDir,
      ...extra,
    },
    ready: `http://127.0.0.1:${probePort}/readyz`,
    readyTimeoutMs: 60_000,
    stopGraceMs: 8_000,
    ipc: true,
  }
}
