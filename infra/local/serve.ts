// The servers alone, in the foreground: node infra/local/serve.ts [--data-dir DIR] [--parts kafka,registry,…]. Ctrl-C stops them.
import { parseArgs } from 'node:util'
import { resolve } from 'node:path'
import { defaultDataDir, PARTS, startLocalStack } from './stack.ts'

const { values } = parseArgs({ options: { 'data-dir': { type: 'string' }, parts: { type: 'string' } } })
const asked = values.parts?.split(',')
const unknown = asked?.filter((name) => !PARTS.some((part) => part === name)) ?? []
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; there are ${PARTS.join(', ')}`)
  process.exit(2)
}

const stack = await startLocalStack({
  dataDir: values['data-dir'] === undefined ? defaultDataDir(process.env) : resolve(values['data-dir']),
  env: process.env,
  ...(asked ? { parts: PARTS.filter((part) => asked.includes(part)) } : {}),
  say: (line) => console.error(line),
  onEvent: (event) =>
    console.error(
      `${event.at} ${event.name} ${event.kind}${'seconds' in event ? ` (${event.seconds.toFixed(1)} s)` : ''}${'detail' in event ? `: ${event.detail}` : ''}`,
    ),
})
console.log(JSON.stringify({ ...stack.urls, dataDir: stack.dataDir, outboxDir: stack.outboxDir }, null, 2))
if (!stack.owned) process.exit(0)

// Children do not keep this process alive once their ends are only listened for; the timer does.
const alive = setInterval(() => {}, 60_000)
const stop = (): void => {
  clearInterval(alive)
  stack.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
