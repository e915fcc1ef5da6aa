/**
 * FULL_TRANSITIVE: each version of a schema can read what every other version wrote, in both directions, so that services of different
 * versions run side by side and old messages stay readable. Reading rules are those of the Avro specification, as avsc applies them.
 */
import avsc, { type Schema } from 'avsc'

export type Version = { readonly name: string; readonly schema: Schema }

/** What is wrong between `current` and any of `history`; empty when they are compatible both ways. */
export function findIncompatibilities(current: Version, history: readonly Version[]): string[] {
  return history.flatMap((earlier) => [...readProblem(current, earlier), ...readProblem(earlier, current)])
}

function readProblem(reader: Version, writer: Version): string[] {
  try {
    avsc.Type.forSchema(reader.schema).createResolver(avsc.Type.forSchema(writer.schema))
    return []
  } catch (error) {
    return [`${reader.name} cannot read what ${writer.name} wrote: ${(error as Error).message}`]
  }
}
