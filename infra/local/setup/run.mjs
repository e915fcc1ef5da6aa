// Small helpers around child processes for the set-up scripts. Plain JavaScript for any Node >= 18, no dependencies.
import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Runs a command to its end. Resolves with { code, stdout, stderr, signal }; never rejects (ENOENT gives code 127). */
export function run(command, args, { cwd, env, input } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    if (input !== undefined) child.stdin.end(input)
    child.on('error', (error) => resolve({ code: 127, stdout, stderr: `${stderr}${error.message}`, signal: null }))
    child.on('close', (code, signal) => resolve({ code: code ?? 1, stdout, stderr, signal }))
  })
}

/** Like `run`, but a non-zero exit is an Error that carries the end of the output. */
export async function runOk(command, args, options) {
  const result = await run(command, args, options)
  if (result.code !== 0) {
    const tail = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-15).join('\n')
    throw new Error(`${command} ${args.slice(0, 6).join(' ')} … ended with ${result.signal ?? result.code}:\n${tail}`)
  }
  return result
}

/** Absolute path of an executable on PATH, or null. */
export function which(name, path = process.env.PATH ?? '') {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue
    const file = join(folder, name)
    if (isExecutable(file)) return file
  }
  return null
}

export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false // not there, or not ours to run: both mean "look further"
  }
}

/**
 * Runs `work` while saying what goes on: a line at the start, one every five seconds, one at the end with the seconds it took.
 * `say` is any function that takes one line.
 */
export async function withProgress(say, what, work) {
  const startedAt = Date.now()
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1)
  say(`${what} …`)
  const timer = setInterval(() => say(`${what} … ${Math.round((Date.now() - startedAt) / 1000)} s`), 5000)
  try {
    const result = await work()
    say(`${what}: done in ${seconds()} s`)
    return result
  } catch (error) {
    say(`${what}: failed after ${seconds()} s`)
    throw error
  } finally {
    clearInterval(timer)
  }
}
