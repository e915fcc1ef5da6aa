/** Names people nearly typed: the smallest edit distance, when it is small enough to be a likely typo. */

/** Damerau–Levenshtein distance (optimal string alignment), O(a·b). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = at(rows, i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(at(rows, i - 1, j) + 1, (row[j - 1] ?? 0) + 1, substitution)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(rows, i - 2, j - 2) + 1)
      row.push(best)
    }
    rows.push(row)
  }
  return at(rows, a.length, b.length)
}

/** The likeliest meant name: a name that starts with or contains the input, else the smallest distance up to half the longer length. */
export function nearest(input: string, names: readonly string[]): string | null {
  const wanted = input.slice(0, 80).toLowerCase()
  if (wanted === '') return null
  let best: { name: string; score: number } | null = null
  for (const name of names) {
    const candidate = name.toLowerCase()
    const contained = wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate))
    const distance = editDistance(wanted, candidate)
    const limit = Math.ceil(Math.max(wanted.length, candidate.length) / 2)
    const score = contained ? Math.min(distance / 4, 1) : distance
    if ((contained || distance <= limit) && (best === null || score < best.score)) best = { name, score }
  }
  return best?.name ?? null
}

function at(rows: number[][], i: number, j: number): number {
  return rows[i]?.[j] ?? 0
}
