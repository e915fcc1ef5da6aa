/** Splits a migration into statements at `;` outside strings, quoted names and comments. Comments go with the statement they precede. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let start = 0
  let hasCode = false
  let i = 0
  const cut = (end: number): void => {
    if (hasCode) statements.push(sql.slice(start, end).trim())
    hasCode = false
    start = end + 1
  }
  while (i < sql.length) {
    const two = sql.slice(i, i + 2)
    const char = sql[i] as string
    if (two === '--') i = endOf(sql, '\n', i)
    else if (two === '/*') i = endOf(sql, '*/', i + 2)
    else if (char === "'" || char === '"' || char === '`') {
      hasCode = true
      i = endOfQuoted(sql, char, i + 1)
    } else {
      if (char === ';') cut(i)
      else if (!/\s/.test(char)) hasCode = true
      i += 1
    }
  }
  cut(sql.length)
  return statements
}

function endOf(sql: string, marker: string, from: number): number {
  const at = sql.indexOf(marker, from)
  return at === -1 ? sql.length : at + marker.length
}

function endOfQuoted(sql: string, quote: string, from: number): number {
  let i = from
  while (i < sql.length) {
    if (sql[i] === '\\') i += 2
    else if (sql[i] === quote && sql[i + 1] === quote) i += 2
    else if (sql[i] === quote) return i + 1
    else i += 1
  }
  return i
}
