/** The known name closest to a misspelt one by Levenshtein distance (case ignored); null when nothing is close. */
export function nearestName(text: string, known: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Infinity
  for (const name of known) {
    const distance = levenshtein(text.toLowerCase(), name.toLowerCase())
    // A prefix such as 'temp' is a good hint although many letters are missing.
    const score = text.length >= 3 && name.toLowerCase().startsWith(text.toLowerCase()) ? Math.min(distance, 1) : distance
    if (score < bestDistance) {
      best = name
      bestDistance = score
    }
  }
  return bestDistance <= Math.max(2, Math.ceil(text.length / 2)) ? best : null
}

function levenshtein(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
