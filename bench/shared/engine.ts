/** Which engine made a figure: figures of two engines are not put into one table. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'

/** What a forecast and its score are computed by. */
const PARTS = ['features', 'models', 'verification'].map((name) => `forecasting/${name}`)

/** Short hash of the committed trees of these folders, with a mark when the working copy differs. */
export function engineOf(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: `${import.meta.dirname}/../..`, encoding: 'utf8' })
  const trees = createHash('sha256')
    .update(git('ls-tree', 'HEAD', ...PARTS))
    .digest('hex')
    .slice(0, 7)
  return git('status', '--porcelain', ...PARTS).trim() === '' ? trees : `${trees}-changed`
}
