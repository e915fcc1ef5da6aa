/** Building blocks of observations, shared by the producers. */
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'

/** Every quantity of an observation; null: not observed. */
export type QuantityValues = Record<Quantity, number | null>

export function emptyQuantities(): QuantityValues {
  return Object.fromEntries(QUANTITIES.map((name) => [name, null])) as QuantityValues
}

export type ObservationHead = Pick<Observation, 'stationId' | 'observedAt' | 'receivedAt' | 'source' | 'kind'>

/** An observation of `values`; quantities that are absent become null. Revision 0: corrections are counted by quality control. */
export function createObservation(head: ObservationHead, values: Partial<QuantityValues>): Observation {
  return { ...head, revision: 0, ...emptyQuantities(), ...values }
}

export function hasAnyValue(values: Partial<QuantityValues>): boolean {
  return Object.values(values).some((value) => value !== null && value !== undefined)
}
