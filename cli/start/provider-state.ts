/** Tells, on the terminal, whether a live provider answers: its process keeps trying by itself. */
import { setInterval } from 'node:timers'

const EVERY_MS = 3000

type Readyz = { readonly ready: boolean; readonly reasons: ReadonlyArray<{ readonly name: string; readonly reason: string }> }

/** Says every change of what the producer's /readyz reports. Returns what ends it. */
export function tellOfProvider(producerUrl: string, say: (line: string) => void): () => void {
  let told = ''
  const timer = setInterval(() => {
    void reasonsOf(producerUrl).then((reasons) => {
      // Attempts are counted in the text: the same trouble is told once.
      const now = reasons.replaceAll(/ \(nothing received since .*?\)/g, '')
      if (now === told) return
      told = now
      say(
        now === ''
          ? 'the provider answers; observations are coming in'
          : `no observations yet: ${now}; trying again until it answers`,
      )
    })
  }, EVERY_MS)
  return () => clearInterval(timer)
}

async function reasonsOf(producerUrl: string): Promise<string> {
  try {
    const response = await fetch(`${producerUrl}/readyz`, { signal: AbortSignal.timeout(EVERY_MS) })
    const { reasons } = (await response.json()) as Readyz
    return reasons.map(({ reason }) => reason).join('; ')
  } catch (error) {
    return `the producer process does not answer (${(error as Error).message})`
  }
}
