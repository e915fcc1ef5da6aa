/** One call at a time, first come, first served. A call that fails holds up none after it; who asked hears of it. */
export type Exclusive = <T>(call: () => Promise<T>) => Promise<T>

export function createExclusive(): Exclusive {
  let before: Promise<unknown> = Promise.resolve()
  return (call) => {
    const result = before.then(call)
    before = result.catch(() => undefined)
    return result
  }
}
