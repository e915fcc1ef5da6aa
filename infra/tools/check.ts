/**
 * `npm run check`: every `check:*` script of package.json, two at a time, the slowest first. A line per check with its seconds; the output
 * of a check is shown only when it fails. Exit 1 when any failed, 2 on a wrong name.
 *   npm run check -- types lint      these checks only
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Two cores are the smallest machine this is meant for. */
const SIDE_BY_SIDE = 2
const PREFIX = 'check:'
const USAGE = 2

const project = fileURLToPath(new URL('../../', import.meta.url))
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')))
const checks = Object.entries(scripts).flatMap(([script, command]) =>
  script.startsWith(PREFIX) ? [{ name: script.slice(PREFIX.length), command }] : [],
)

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !checks.some((check) => check.name === name))
if (unknown.length > 0) {
  process.stderr.write(`unknown check ${unknown.join(', ')}; there are ${checks.map(({ name }) => name).join(', ')}\n`)
  process.exit(USAGE)
}

const startedAt = performance.now()
const waiting = checks.filter(({ name }) => asked.length === 0 || asked.includes(name))
const width = Math.max(...waiting.map(({ name }) => name.length))
const failed: string[] = []
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
process.stdout.write(`${failed.length === 0 ? 'all checks passed' : `failed: ${failed.join(', ')}`} in ${seconds(startedAt)} s\n`)
process.exitCode = failed.length === 0 ? 0 : 1

async function work(): Promise<void> {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const began = performance.now()
    const { code, output } = await run(check.command)
    if (code !== 0) failed.push(check.name)
    process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${check.name.padEnd(width)} ${seconds(began).padStart(5)} s\n`)
    if (code !== 0) process.stdout.write(`${indented(output.trimEnd() || `no output; it ended with ${code}`)}\n`)
  }
}

/** Code null (ended by a signal) counts as failed. */
async function run(command: string): Promise<{ code: number | null; output: string }> {
  const path = `${join(project, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  const child = spawn(command, {
    cwd: project,
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path },
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, output: Buffer.concat(chunks).toString('utf8') }
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}
