/** Rules and dashboards against the code: every metric they name is one that a service really has; every alert has a runbook. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { SERVICES } from '../../cli/services.ts'
import { createProcessorMetrics } from '../../infra/runtime/kafka/processor-metrics.ts'
import { createMetrics, createProcessRegistry, registerReadiness } from '../../infra/runtime/metrics.ts'

type Rule = {
  alert?: string
  record?: string
  expr: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}
const project = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(project, path), 'utf8')
const ruleFiles = globSync('infra/prometheus/rules/*.yml', { cwd: project })
const rules = ruleFiles.flatMap((file) =>
  (parse(read(file)) as { groups: Array<{ rules: Rule[] }> }).groups.flatMap((group) => group.rules),
)
const alerts = rules.filter((rule) => rule.alert !== undefined)
const boards = globSync('infra/grafana/dashboards/*.json', { cwd: project })

/** Names that the services' registries hold once everything has happened: from the real factories, and the calls in each service's folder. */
async function knownMetrics(): Promise<Set<string>> {
  const names = new Set(['up'])
  const processRegistry = createProcessRegistry()
  registerReadiness(processRegistry, () => [])
  for (const { name } of await processRegistry.getMetricsAsJSON()) names.add(name)
  for (const [key, load] of Object.entries(SERVICES)) {
    const { service } = (await load()) as { service: { name: string } }
    const file = /import\('\.\.\/(.+)'\)/.exec(String(SERVICES[key]))?.[1] ?? ''
    const metrics = createMetrics(service.name)
    for (const source of globSync('**/*.ts', { cwd: join(project, dirname(file)) })) {
      if (source.endsWith('.test.ts')) continue
      const text = read(join(dirname(file), source))
      if (text.includes('startProcessor(')) createProcessorMetrics(metrics)
      for (const [, kind, name] of text.matchAll(/metrics\s*\.(counter|gauge|histogram)\(\s*'([a-z0-9_]+)'/g)) {
        metrics[kind as 'counter'](name as string, 'test')
      }
    }
    for (const { name, type } of await metrics.registry.getMetricsAsJSON()) {
      names.add(name)
      if (String(type) === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`)
    }
  }
  return names
}
const known = await knownMetrics()
const recorded = new Set(rules.flatMap(({ record }) => record ?? []))

/** Metric names and name patterns in a PromQL expression. */
function selectorsOf(expr: string): { names: string[]; patterns: string[] } {
  const patterns = [...expr.matchAll(/__name__=~"([^"]+)"/g)].map(([, pattern]) => pattern as string)
  const bare = expr
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\b(by|on|ignoring|without)\s*\([^)]*\)/g, ' ')
    .replaceAll(/"[^"]*"/g, ' ')
  const names = bare.match(/\b(isobar[_:][a-z0-9_:]+|process_[a-z_]+|nodejs_[a-z0-9_]+|up)\b/g) ?? []
  return { names: [...names], patterns }
}

function expectKnown(expr: string): void {
  const { names, patterns } = selectorsOf(expr)
  expect(names.length + patterns.length, `no metric in: ${expr}`).toBeGreaterThan(0)
  expect(names.filter((name) => !known.has(name) && !recorded.has(name))).toEqual([])
  for (const pattern of patterns) {
    expect(
      [...known].filter((name) => new RegExp(`^(${pattern})$`).test(name)),
      pattern,
    ).not.toEqual([])
  }
}

it('reads enough of the code to mean something', () => {
  expect(known).toContain('isobar_features_lag_events')
  expect(known).toContain('isobar_archive_sink_seconds_bucket')
  expect(known).toContain('isobar_alert_rules_firing_alerts')
  expect(known).toContain('isobar_runtime_ready')
  expect(() => expectKnown('sum(isobar_features_no_such_total)')).toThrow(/no_such/)
  expect(() => expectKnown('{__name__=~"isobar_.+_no_such_total"}')).toThrow(/no_such/)
})

it.each(rules.map((rule) => [rule.alert ?? rule.record, rule] as const))('%s uses metrics that exist', (_name, rule) => {
  expectKnown(rule.expr)
})

it.each(alerts.map((rule) => [rule.alert, rule] as const))(
  '%s has a severity, a summary and a runbook that speaks of it',
  (name, rule) => {
    expect(['warning', 'critical']).toContain(rule.labels?.['severity'])
    expect(rule.annotations?.['summary']).toMatch(/\S/)
    const runbook = rule.annotations?.['runbook_url'] ?? ''
    expect(existsSync(join(project, runbook)), runbook).toBe(true)
    expect(read(runbook)).toContain(name)
  },
)

it.each(alerts.map((rule) => rule.alert as string))('%s is tried by a rule test that expects it', (name) => {
  const { tests } = parse(read('infra/prometheus/tests/alerts_test.yml')) as {
    tests: Array<{ alert_rule_test: Array<{ alertname: string; exp_alerts: unknown[] }> }>
  }
  const cases = tests.flatMap((test) => test.alert_rule_test).filter(({ alertname }) => alertname === name)
  expect(cases.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true)
})

it('scrapes every container of a service, providers by name', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true, maxAliasCount: -1 }) as {
    services: Record<string, { image: string; command?: string[]; profiles?: string[] }>
  }
  const running = Object.entries(services).filter(([, { command }]) => command?.[0] === 'run')
  const { scrape_configs: jobs } = parse(read('infra/prometheus/prometheus.yml')) as {
    scrape_configs: Array<{
      job_name: string
      static_configs: Array<{ targets: string[] }>
      dns_sd_configs?: Array<{ names: string[]; port: number }>
    }>
  }
  const job = jobs.find(({ job_name }) => job_name === 'isobar')
  const targets = job?.static_configs.flatMap((config) => config.targets) ?? []
  expect(new Set(targets)).toEqual(new Set(running.filter(([, s]) => !s.profiles).map(([name]) => `${name}:9464`)))
  expect(new Set(job?.dns_sd_configs?.flatMap(({ names }) => names))).toEqual(
    new Set(running.filter(([, s]) => s.profiles).map(([name]) => name)),
  )
  expect(read('Dockerfile')).toContain('METRICS_PORT=9464')
})

type Panel = { title: string; type: string; datasource: { uid: string }; targets: Array<{ expr?: string; rawSql?: string }> }

it.each(boards)('%s asks for metrics that exist, of data sources that are provisioned', (file) => {
  const board = JSON.parse(read(file)) as { uid: string; title: string; panels: Panel[] }
  const sources = (parse(read('infra/grafana/provisioning/datasources/isobar.yml')) as { datasources: Array<{ uid: string }> })
    .datasources
  expect(board.panels.length).toBeGreaterThan(3)
  for (const panel of board.panels) {
    expect(sources.map(({ uid }) => uid)).toContain(panel.datasource.uid)
    expect(panel.targets.length, panel.title).toBeGreaterThan(0)
    for (const { expr, rawSql } of panel.targets) {
      expect(expr ?? rawSql, panel.title).toMatch(/\S/)
      if (expr !== undefined) expectKnown(expr)
    }
  }
})

it('promtool accepts configuration and rules, and the rule tests pass', (context) => {
  const promtool = process.env['PROMTOOL'] ?? 'promtool'
  try {
    execFileSync(promtool, ['--version'], { stdio: 'ignore' })
  } catch {
    context.skip('promtool is not installed (Debian: package prometheus); set PROMTOOL to its path')
  }
  execFileSync(promtool, ['check', 'config', 'infra/prometheus/prometheus.yml'], { cwd: project, stdio: 'pipe' })
  execFileSync(promtool, ['test', 'rules', 'infra/prometheus/tests/alerts_test.yml'], { cwd: project, stdio: 'pipe' })
}, 60_000)
