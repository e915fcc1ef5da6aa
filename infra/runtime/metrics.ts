/** Prometheus metrics. Each service has a fresh registry; names are `isobar_<service>_<noun>_<unit>`. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export type { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds; from sub-millisecond hops to slow training jobs. */
const DEFAULT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Factories give the metric of that name, made at the first call. `name` goes without the prefix: `events_in_total`. */
export type Metrics = {
  readonly registry: Registry
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(name: string, help: string, labels?: readonly string[]): Gauge
  histogram(name: string, help: string, labels?: readonly string[], buckets?: readonly number[]): Histogram
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry()
  const prefix = `isobar_${service.replaceAll(/[^a-z0-9]+/gi, '_').toLowerCase()}_`
  const known = <M>(name: string, make: (fullName: string) => M): M =>
    (registry.getSingleMetric(prefix + name) as M | undefined) ?? make(prefix + name)
  return {
    registry,
    counter: (name, help, labels = []) =>
      known(name, (full) => new Counter({ name: full, help, labelNames: [...labels], registers: [registry] })),
    gauge: (name, help, labels = []) =>
      known(name, (full) => new Gauge({ name: full, help, labelNames: [...labels], registers: [registry] })),
    histogram: (name, help, labels = [], buckets = DEFAULT_BUCKETS) =>
      known(
        name,
        (full) => new Histogram({ name: full, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] }),
      ),
  }
}

/** `isobar_runtime_ready`: what /readyz says, per check, asked when the metrics are read. */
export function registerReadiness(
  registry: Registry,
  checks: () => ReadonlyArray<{ name: string; state: { ready: boolean } }>,
): void {
  const ready = new Gauge({
    name: 'isobar_runtime_ready',
    help: 'Checks of /readyz: 1 ready, 0 not.',
    labelNames: ['check'],
    registers: [],
    collect() {
      this.reset()
      for (const { name, state } of checks()) this.set({ check: name }, state.ready ? 1 : 0)
    },
  })
  registry.registerMetric(ready)
}

/** CPU, memory, event loop of the process: once per process, not per service. */
export function createProcessRegistry(): Registry {
  const registry = new Registry()
  // A sample of the event loop's lag each 10 ms, the default, is half of what an idle process costs.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  return registry
}

/** One exposition text of several registries. */
export async function exposeMetrics(registries: readonly Registry[]): Promise<{ contentType: string; body: string }> {
  const merged = Registry.merge([...registries])
  return { contentType: merged.contentType, body: await merged.metrics() }
}
