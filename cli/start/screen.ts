/** What `isobar start` says: progress on stderr, one line per fact; colours only on a terminal that wants them. */
import type { Channel } from '../channels.ts'
import type { Announcement, Stage } from './story.ts'

const startedAt = performance.now()

export const elapsedSeconds = (): number => (performance.now() - startedAt) / 1000

const coloured = process.stderr.isTTY && !process.env['NO_COLOR']
const paint = (code: number, text: string): string => (coloured ? `\u001B[${code}m${text}\u001B[0m` : text)

/** Terminal control characters in names that came from outside must not reach the terminal. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ')

export function say(line: string): void {
  process.stderr.write(`${paint(2, `[${elapsedSeconds().toFixed(1).padStart(5)} s]`)} ${line}\n`)
}

export function sayStage({ stage, at, text, evidence }: Announcement): void {
  const more = evidence.length > 1 ? ` (+${evidence.length - 1} more)` : ''
  say(
    `${paint(36, '●')} ${paint(1, stage)}  ${at.slice(0, 16)}Z  ${printable(text)}  ${paint(2, `${printable(evidence[0] ?? '')}${more}`)}`,
  )
}

export type Welcome = {
  readonly httpUrl: string
  readonly stationId: string
  readonly outboxDir: string
  readonly channels: readonly Channel[]
  /** SMTP_URL is set: the local catcher sees no mail. */
  readonly hasMailServer: boolean
  /** Null when keys exist already. */
  readonly key: string | null
}

export function welcome({ httpUrl, stationId, outboxDir, channels, hasMailServer, key }: Welcome): string {
  const where = (channel: Channel, otherwise: string): string =>
    channels.includes(channel) ? 'as configured' : `not configured, ${otherwise}`
  return [
    '',
    `  ${paint(1, 'Isobar is running.')}`,
    '',
    `  Dashboard   ${paint(36, httpUrl)}`,
    key === null
      ? '  API key     as made before; another one: ./isobar keys create --name NAME --scopes read,ingest,operate'
      : `  API key     ${paint(33, key)}   (shown this once; for everything that changes state)`,
    `  Alerts      Slack: ${where('slack', `kept in ${outboxDir}/slack`)}`,
    `              e-mail: ${where('email', hasMailServer ? 'EMAIL_TO has no receiver' : `caught in ${outboxDir}/mail`)}`,
    ...(channels.includes('webhook') ? ['              webhook: as configured'] : []),
    `              all of it: ${httpUrl}/outbox`,
    '',
    '  Three things to try, in another terminal:',
    `    curl -s '${httpUrl}/v1/stations'`,
    `    curl -s '${httpUrl}/v1/stations/${stationId}/forecast?variables=temperatureC&hours=24'`,
    `    curl -s '${httpUrl}/v1/skill?variable=temperatureC'`,
    '',
    '  Ctrl-C stops everything; the next start goes on where this one ended.',
    '',
  ].join('\n')
}

/** The table that ends `--demo --exit`. */
export function stageTable(stages: readonly Stage[]): string {
  const rows = stages.map(({ name, happenedAt, evidence, ok, problem }) => [
    ok ? 'ok' : 'MISSING',
    name,
    happenedAt ?? '-',
    problem ?? (evidence.length === 0 ? '-' : `${evidence[0]}${evidence.length > 1 ? ` (+${evidence.length - 1})` : ''}`),
  ])
  const table = [['', 'stage', 'happened at (event time)', 'evidence'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => (row[column] as string).length)))
  return table.map((row) => row.map((cell, column) => printable(cell).padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}
