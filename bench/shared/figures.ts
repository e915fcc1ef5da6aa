/** What a bench reports. A figure without a peer or goal that could not be measured is left out, never assumed. */
export type Figure = {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal: number
  readonly comparison: '>=' | '<='
  readonly met: boolean
  readonly peer?: { readonly name: string; readonly value: number }
}

/** `only`: what else was named on the command line, for a bench that can run in pieces. */
export type BenchOptions = { readonly quick: boolean; readonly json: boolean; readonly only: readonly string[] }
export type Bench = { run(options: BenchOptions): Promise<Figure[]> }

export function figure(name: string, value: number, unit: string, comparison: '>=' | '<=', goal: number): Figure {
  return { name, value, unit, goal, comparison, met: comparison === '>=' ? value >= goal : value <= goal }
}
