/** Files that several processes of one bench make and read. */
import { renameSync, writeFileSync } from 'node:fs'

/** As JSON, all at once: another process may be reading what there is. */
export function writeWhole(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, JSON.stringify(value))
  renameSync(`${file}.new`, file)
}
