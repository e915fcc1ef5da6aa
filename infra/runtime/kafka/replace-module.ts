/** Puts ours in the place of a module of kafkajs, before anything that requires it is loaded. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export function replaceModule<F>(path: string, replace: (original: F) => F): void {
  const original = require(path) as F
  const loaded = require.cache[require.resolve(path)]
  if (!loaded) throw new Error(`${path} was not loaded as expected`)
  loaded.exports = replace(original)
}
