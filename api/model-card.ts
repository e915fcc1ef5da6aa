/** A run as a page for people, Markdown: everything in it comes from the events of the run, nothing is written by hand. */
import { LEAD_BUCKETS } from '../schemas/quantities.ts'
import type { Lifecycle } from '../schemas/generated/types.ts'
import { iso } from './json.ts'

type Metrics = Lifecycle['metrics'][number]

/** Of one run, newest event first (the order of the archive). */
export function modelCard(events: readonly Lifecycle[]): string {
  const newest = events[0]
  const first = events.at(-1)
  if (!newest || !first) throw new Error('a run has at least one event')
  const told = <T>(of: (event: Lifecycle) => T, isTold: (value: T) => boolean): T | null =>
    events.map(of).find((value) => isTold(value)) ?? null
  const artefact = told(
    ({ artefact: made }) => made,
    (made) => made !== null,
  )
  const trained = events.find(({ event }) => event === 'evaluated') ?? events.find(({ event }) => event === 'trained')
  const judged = events.find(({ evaluation }) => evaluation !== null)
  const facts: Array<[string, string]> = [
    ['Run', newest.runId],
    ['State', `${newest.event} at ${iso(newest.at)}`],
    ['Family', trained?.family ?? 'none: the run failed'],
    ['Asked for', `${first.requestReason}${first.causedBy === null ? '' : `, ${first.causedBy}`}`],
    [
      'Data',
      `${newest.dataFrom === null ? 'none' : iso(newest.dataFrom)} to ${newest.dataTo === null ? 'none' : iso(newest.dataTo)}`,
    ],
    ['Rows', String(trained?.rows ?? 0)],
    ['Homogenised for', steps(newest)],
    ['Feature set', newest.featureSet],
    ['Seed', String(newest.seed)],
    ['Code', newest.codeVersion],
    ['Fitted in', trained ? `${trained.fitSeconds.toFixed(2)} s` : 'not fitted'],
    ['Artefact', artefact === null ? 'none' : `${artefact.bytes} bytes, SHA-256 ${artefact.sha256}`],
  ]
  return [
    `# ${newest.stationId}/${newest.variable} ${newest.version}`,
    '',
    ...table(['', ''], facts),
    '',
    ...scores('Scores of the training run, on origins left out of the fit', trained?.metrics ?? []),
    ...families(trained?.comparison ?? null),
    ...scores('Scores beside the champion, on the same verified hours', judged?.metrics ?? []),
    '## What happened',
    '',
    ...table(
      ['at', 'event', 'by', 'reasons'],
      events.toReversed().map(({ at, event, actor, reasons }) => [iso(at), event, actor, reasons.join('; ')]),
    ),
    '',
  ].join('\n')
}

function steps({ changePoints }: Lifecycle): string {
  if (changePoints.length === 0) return 'no step'
  return changePoints
    .map(({ variable, at, offset }) => `${variable} ${offset > 0 ? '+' : ''}${offset.toFixed(2)} at ${iso(at)}`)
    .join('; ')
}

/** Null: the run is from before there were comparisons, or has no model. */
function families(comparison: Lifecycle['comparison']): string[] {
  if (comparison === null) return []
  const { notComparedBecause, firstOriginAt, lastOriginAt, originHour, origins, families: compared } = comparison
  const title = 'Families side by side, on the newest weeks before the cut-off'
  if (notComparedBecause !== null) return [`## ${title}`, '', `Not compared. ${notComparedBecause}`, '']
  const when = firstOriginAt === null || lastOriginAt === null ? '' : `, ${iso(firstOriginAt)} to ${iso(lastOriginAt)}`
  return [
    ...scores(
      title,
      compared.flatMap(({ metrics }) => metrics),
    ),
    `${origins} origins at ${originHour}:00 UTC${when}. Each family was fitted on what was known at the first of them and scored on the rows that all have in common; intervals are as the family made them. Nothing is decided on it, and the model of this run is another fit: of the whole history.`,
    '',
    ...table(
      ['family', 'seconds', 'without scores because'],
      compared.map(({ family, seconds, refused }) => [family, refused === null ? seconds.toFixed(2) : '–', refused ?? '']),
    ),
    '',
  ]
}

function scores(title: string, metrics: readonly Metrics[]): string[] {
  if (metrics.length === 0) return []
  // As scored: the candidate first, then what it is compared with.
  const sorted = metrics.toSorted((a, b) => placeOf(a) - placeOf(b))
  return [
    `## ${title}`,
    '',
    ...table(
      ['leads, h', 'model', 'rows', 'MAE', 'RMSE', 'bias', 'CRPS', 'within 80 %', 'within 95 %'],
      sorted.map((one) => [
        one.leadBucket,
        one.model,
        String(one.n),
        ...[one.mae, one.rmse, one.bias, one.crps, one.coverage80, one.coverage95].map((value) =>
          Number.isFinite(value) ? value.toFixed(3) : '–',
        ),
      ]),
    ),
    '',
  ]
}

/** Bucket by lead, all leads last. */
function placeOf({ leadBucket }: Metrics): number {
  const place = LEAD_BUCKETS.findIndex(({ name }) => name === leadBucket)
  return place < 0 ? LEAD_BUCKETS.length : place
}

/** Cells hold what services and operators wrote: a bar or a line break must not end one. */
const cell = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', '\\|')
const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
const table = (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] => [
  line(head),
  line(head.map(() => '---')),
  ...rows.map(line),
]
