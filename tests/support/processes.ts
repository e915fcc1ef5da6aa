/** Which processes of this machine belong to a folder, whoever started them. */
import { readdirSync, readFileSync } from 'node:fs'

/** Pids of processes whose command line or environment names the folder. Linux tells; elsewhere none are found. */
export function processesOf(folder: string): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ['cmdline', 'environ'].some((file) => readOfProcess(`/proc/${pid}/${file}`).includes(folder)))
    .map(Number)
}

function readOfProcess(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it has ended meanwhile, or belongs to another user
  }
}
