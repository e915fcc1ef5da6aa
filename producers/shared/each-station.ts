/** Fetching station after station. */
import { isPermanent } from '../../infra/runtime/errors.ts'

/**
 * Sum of what `fetchStation` resolves with. What the provider refuses of one station for good (wrong coordinates, an unknown id) keeps no other
 * from its observations: it is thrown when all have had their turn. A failure that may pass ends the round, because the next would meet it too.
 */
export async function forEachStation<S>(stations: readonly S[], fetchStation: (station: S) => Promise<number>): Promise<number> {
  let observations = 0
  let refused: unknown = null
  for (const station of stations) {
    try {
      observations += await fetchStation(station)
    } catch (error) {
      if (!isPermanent(error)) throw error
      refused ??= error
    }
  }
  if (refused !== null) throw refused
  return observations
}
