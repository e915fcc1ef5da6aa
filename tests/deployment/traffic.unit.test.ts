/** Who sends and receives what (schemas/traffic.ts), against the topics that the code of each service names. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { RULE_TOPICS } from '../../alerting/rules/engine.ts'
import { SERVICES } from '../../cli/services.ts'
import { ARCHIVED_TOPICS } from '../../consumers/archive/rows.ts'
import { TOPIC_NAMES } from '../../schemas/topics.ts'
import { TRAFFIC, type Traffic } from '../../schemas/traffic.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))

/** Where a service's topics are named; a service shares the folders after the first with others. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  replay: ['producers/replay'],
  'open-meteo': ['producers/open-meteo', 'producers/shared'],
  metar: ['producers/metar', 'producers/shared'],
  meteostat: ['producers/meteostat', 'producers/shared'],
  'quality-control': ['stream-processors/quality-control'],
  features: ['stream-processors/features'],
  verification: ['stream-processors/verification'],
  drift: ['stream-processors/drift'],
  retraining: ['stream-processors/retraining'],
  training: ['stream-processors/training'],
  promotion: ['stream-processors/promotion'],
  inference: ['consumers/inference'],
  'alert-policy': ['alerting/policy', 'alerting/bridge'],
  'alert-transports': ['alerting/bridge'],
  mlflow: ['consumers/mlflow'],
}

function named(folders: readonly string[]): string[] {
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: project }))
  const text = files
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .map((file) => readFileSync(join(project, file), 'utf8'))
    .join('\n')
  return TOPIC_NAMES.filter((topic) => text.includes(`'${topic}'`))
}

const all = ({ sends, receives }: Traffic): string[] => TOPIC_NAMES.filter((topic) => [...sends, ...receives].includes(topic))

it('knows every service', () => {
  expect(Object.keys(TRAFFIC).sort()).toEqual(Object.keys(SERVICES).sort())
})

it.each(Object.entries(FOLDERS))('%s: the topics its code names', (service, folders) => {
  expect(all((TRAFFIC as Record<string, Traffic>)[service] as Traffic)).toEqual(named(folders))
})

it('alert-rules and the archive receive what they subscribe to', () => {
  expect([...TRAFFIC['alert-rules'].receives].sort()).toEqual([...RULE_TOPICS].sort())
  expect([...TRAFFIC.archive.receives].sort()).toEqual([...ARCHIVED_TOPICS].sort())
})
