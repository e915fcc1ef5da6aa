/** Every service by name, loaded only when it is run: a process pays for the code it uses. */
import type { Service } from '../infra/runtime/service/index.ts'

export const SERVICES: Readonly<Record<string, () => Promise<{ readonly service: unknown }>>> = {
  replay: () => import('../producers/replay/main.ts'),
  'open-meteo': () => import('../producers/open-meteo/main.ts'),
  metar: () => import('../producers/metar/main.ts'),
  meteostat: () => import('../producers/meteostat/main.ts'),
  'quality-control': () => import('../stream-processors/quality-control/main.ts'),
  features: () => import('../stream-processors/features/main.ts'),
  verification: () => import('../stream-processors/verification/main.ts'),
  drift: () => import('../stream-processors/drift/main.ts'),
  retraining: () => import('../stream-processors/retraining/main.ts'),
  training: () => import('../stream-processors/training/main.ts'),
  promotion: () => import('../stream-processors/promotion/main.ts'),
  inference: () => import('../consumers/inference/main.ts'),
  'alert-rules': () => import('../alerting/rules/main.ts'),
  'alert-policy': () => import('../alerting/policy/main.ts'),
  'alert-transports': () => import('../alerting/transports/main.ts'),
  archive: () => import('../consumers/archive/main.ts'),
  mlflow: () => import('../consumers/mlflow/main.ts'),
  api: () => import('../api/main.ts'),
}

export async function loadServices(names: readonly string[]): Promise<Service[]> {
  return Promise.all(
    names.map(async (name) => (await (SERVICES[name] as () => Promise<{ service: unknown }>)()).service as Service),
  )
}
