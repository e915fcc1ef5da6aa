/** How far a run is, and how long it will take. */
export type Progress = {
  /** Origins that are answered, with those of the interrupted run that this one goes on with. */
  readonly done: number
  readonly resumed: number
  readonly total: number
  /** Since this run began. */
  readonly seconds: number
}

/** Time for an origin is what this run took: those taken over cost nothing. */
export function progressText({ done, resumed, total, seconds }: Progress): string {
  const left = (seconds / (done - resumed)) * (total - done)
  return `${done}/${total} origins, ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s left`
}
