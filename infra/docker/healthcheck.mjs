// Health of the container it runs in: exit 0 when every service of the process is ready. The reasons go to the container's health log.
const port = process.env.METRICS_PORT ?? '9464'
try {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2500) })
  if (!response.ok) console.error((await response.text()).trim())
  process.exitCode = response.ok ? 0 : 1
} catch (error) {
  console.error(`no answer on port ${port}: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
