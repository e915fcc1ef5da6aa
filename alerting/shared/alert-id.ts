import { createHash } from 'node:crypto'

/** Fingerprint of an alert: SHA-256 over rule and labels (sorted by name), first 128 bits, hex. */
export function alertFingerprint(rule: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return digest([rule, sorted])
}

/** Short stable hash of any JSON value. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)
}
