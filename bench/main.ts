/** `npm run bench -- NAME [PIECE…] [--quick] [--json]`: runs one bench, prints a table, writes bench/results/NAME.json. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bench, Figure } from './shared/figures.ts'

const HERE = import.meta.dirname
const USAGE = 2

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const names = readdirSync(HERE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(HERE, entry.name, 'main.ts')))
  .map(({ name }) => name)
const name = positionals[0]
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- NAME [PIECE…] [--quick] [--json]\nbenches: ${names.join(', ')}\n`)
  process.exit(USAGE)
}

const bench = (await import(`./${name}/main.ts`)) as Bench
// Before the bench itself is part of it: how quiet the machine was.
const loadBefore = loadavg()
const figures = await bench.run({ ...values, only: positionals.slice(1) })
const result = {
  name,
  machine: machine(),
  commit: commit(),
  ranAt: new Date().toISOString(),
  quick: values.quick,
  loadAverage: { before: loadBefore, after: loadavg() },
  figures,
}
mkdirSync(join(HERE, 'results'), { recursive: true })
writeFileSync(join(HERE, 'results', `${name}.json`), `${JSON.stringify(result, null, 2)}\n`)
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `\n${table(figures)}\n`)

function table(rows: readonly Figure[]): string {
  const cells = [
    ['figure', 'value', 'goal', '', 'peer'],
    ...rows.map(({ name: label, value, unit, goal, comparison, met, peer }) => [
      label,
      `${Number(value.toPrecision(4))} ${unit}`,
      `${comparison} ${goal}`,
      met ? 'met' : 'missed',
      peer ? `${peer.name}: ${Number(peer.value.toPrecision(4))}` : '',
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => (row[column] as string).length)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function machine(): string {
  const cores = cpus()
  return `${platform()}-${arch()}, ${cores.length} cores (${cores[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: HERE,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown' // not a clone
  }
}
