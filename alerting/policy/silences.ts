/** Silences as the API stored them, read again every few seconds. */
import type { Logger } from '../../infra/runtime/log.ts'
import { SILENCE_PROCESSOR, type Silence } from '../../schemas/silence.ts'
import { readStates, type StateReader } from '../../infra/runtime/state/index.ts'
import { silenceSchema } from './matchers.ts'

export type SilenceStore = { readonly current: () => readonly Silence[]; refresh(): Promise<void> }

export function createSilenceStore(reader: StateReader, log: Pick<Logger, 'warn'>): SilenceStore {
  let silences: readonly Silence[] = []
  const complained = new Set<string>()
  return {
    current: () => silences,
    async refresh() {
      const { states } = await readStates(reader, SILENCE_PROCESSOR)
      silences = [...states].flatMap(([id, state]) => {
        const parsed = silenceSchema.safeParse(state)
        if (parsed.success) return [parsed.data]
        // A silence that cannot be read silences nothing: rather an alert too many.
        if (!complained.has(id)) log.warn({ id, reason: parsed.error.message }, 'silence ignored')
        complained.add(id)
        return []
      })
    },
  }
}
