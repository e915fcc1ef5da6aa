/** Counters of one processor, with label children looked up once: a map lookup by label set per event would cost more than the event. */
import type { Metrics } from '../metrics.ts'

export type ProcessorMetrics = {
  eventsIn(topic: string, count: number): void
  outcome(kind: 'emit' | 'skip' | 'dead-letter', reason: string): void
  deadLetters(topic: string, count: number): void
  retry(stage: string): void
  commitError(): void
  lag(topic: string, partition: number, events: number): void
  /** Partitions that are no longer ours have no lag here. */
  forgetLag(): void
  startTimer(stage: 'step' | 'sink' | 'publish'): () => void
}

export function createProcessorMetrics(metrics: Metrics): ProcessorMetrics {
  const eventsIn = metrics.counter('events_in_total', 'Events read and fully handled.', ['topic'])
  const outcomes = metrics.counter('outcomes_total', 'What became of the events read.', ['outcome', 'reason'])
  const dead = metrics.counter('dead_letters_total', 'Events that went to dead letters.', ['topic'])
  const retries = metrics.counter('retries_total', 'Attempts that failed for the moment, by stage.', ['stage'])
  const commitErrors = metrics.counter(
    'commit_errors_total',
    'Offset commits that failed (the work is repeated after a restart).',
  )
  const lag = metrics.gauge('lag_events', 'Events behind the end of the partition.', ['topic', 'partition'])
  const seconds = {
    step: metrics.histogram('step_seconds', 'Wall time of a step call.'),
    sink: metrics.histogram('sink_seconds', 'Wall time until rows were durable, waiting included.'),
    publish: metrics.histogram('publish_seconds', 'Wall time until events were acknowledged, waiting included.'),
  }
  const outcomeChildren = new Map<string, { inc(): void }>()
  return {
    eventsIn: (topic, count) => eventsIn.inc({ topic }, count),
    outcome: (outcome, reason) => {
      const key = `${outcome}|${reason}`
      let child = outcomeChildren.get(key)
      if (!child) outcomeChildren.set(key, (child = outcomes.labels({ outcome, reason })))
      child.inc()
    },
    deadLetters: (topic, count) => dead.inc({ topic }, count),
    retry: (stage) => retries.inc({ stage }),
    commitError: () => commitErrors.inc(),
    lag: (topic, partition, events) => lag.set({ topic, partition: String(partition) }, events),
    forgetLag: () => lag.reset(),
    startTimer: (stage) => seconds[stage].startTimer(),
  }
}
