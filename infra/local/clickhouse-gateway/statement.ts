/** What a query text asks for: decides how it reaches the engine. Texts are rebuilt by span, never by search and replace. */
import { serverError } from './server-error.ts'
import type { Token } from './sql-tokens.ts'
import { tokens } from './sql-tokens.ts'

export type Statement =
  /** `SELECT … [SETTINGS …] [FORMAT f [SETTINGS …]]`: `head` goes before INTO OUTFILE, `tail` after the format. */
  | { kind: 'select'; head: string; format: string | undefined; tail: string }
  /** `INSERT INTO t [(…)] [SETTINGS …] [FORMAT f | VALUES] data`: `data` is what of it stands in the query text itself. */
  | { kind: 'insertData'; head: string; settings: string; format: string; data: string }
  | { kind: 'insertSelect'; text: string }
  /** `changesSession`: SET, USE and the like, after which a pooled session must not be used again. */
  | { kind: 'other'; text: string; isRead: boolean; changesSession: boolean }

const READ_VERBS = new Set(['SHOW', 'DESCRIBE', 'DESC', 'EXISTS', 'EXPLAIN', 'CHECK'])
const STATELESS_VERBS = new Set([
  ...READ_VERBS,
  'ALTER',
  'DROP',
  'TRUNCATE',
  'RENAME',
  'EXCHANGE',
  'OPTIMIZE',
  'DELETE',
  'KILL',
  'DETACH',
  'ATTACH',
])
// Neighbours that show `format` to be a column and not the clause.
const BEFORE_COLUMN = new Set([
  ',',
  '.',
  '=',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  'BY',
  'AS',
  'SELECT',
  'DISTINCT',
  'WHERE',
  'PREWHERE',
  'HAVING',
])
for (const word of ['AND', 'OR', 'NOT', 'ON', 'IN', 'THEN', 'ELSE', 'WHEN']) BEFORE_COLUMN.add(word)
const AFTER_COLUMN = new Set(['ASC', 'DESC', 'NULLS', 'AS', 'AND', 'OR', 'IN', 'IS', 'NOT', 'LIKE', 'BETWEEN', 'END'])

/** Throws SYNTAX_ERROR for several statements in one text, and refuses INTO OUTFILE and FROM INFILE as an HTTP server does. */
export function parseStatement(sql: string): Statement {
  const stream = tokens(sql)
  const head: Token[] = []
  // By hand: leaving a for…of loop would close the stream.
  for (let next = stream.next(); !next.done; next = stream.next()) {
    head.push(next.value)
    if (next.value.text !== '(') break
  }
  const verb = head.at(-1)?.key
  if (verb === undefined || verb === '(' || verb === ';') throw serverError('SYNTAX_ERROR', 'Syntax error: Empty query.')
  if (verb === 'INSERT' && head.length === 1) return parseInsert(sql, stream)
  const rest = readStatement(stream)
  const all = [...head, ...rest.tokens]
  const text = sql.slice(0, rest.end)
  if (verb === 'SELECT' || verb === 'WITH' || verb === 'FROM') {
    const isInsert = all.some((token, index) => token.depth === 0 && token.key === 'INTO' && all[index - 1]?.key === 'INSERT')
    return isInsert ? { kind: 'insertSelect', text } : parseSelect(text, all)
  }
  const changesSession = verb === 'CREATE' ? all.some((token) => token.key === 'TEMPORARY') : !STATELESS_VERBS.has(verb)
  return { kind: 'other', text, isRead: READ_VERBS.has(verb), changesSession }
}

function parseSelect(text: string, all: Token[]): Statement {
  const outer = all.filter((token) => token.depth === 0)
  for (let index = outer.length - 2; index > 0; index -= 1) {
    const [before, word, name, after] = [outer[index - 1], outer[index], outer[index + 1], outer[index + 2]]
    if (word?.key !== 'FORMAT' || word.kind !== 'word' || name?.kind !== 'word') continue
    if (after !== undefined && after.key !== 'SETTINGS') continue
    if (BEFORE_COLUMN.has(before?.key ?? '') || AFTER_COLUMN.has(name.key)) continue
    return { kind: 'select', head: text.slice(0, word.start), format: name.text, tail: text.slice(name.end) }
  }
  return { kind: 'select', head: text, format: undefined, tail: '' }
}

function parseInsert(sql: string, stream: Generator<Token>): Statement {
  let previous: Token | undefined
  let settingsAt: number | undefined
  let formatAt: number | undefined
  for (const token of stream) {
    const isClause =
      token.depth === 0 && token.kind === 'word' && previous !== undefined && !/^(?:INTO|TABLE|\.)$/.test(previous.key)
    const opensQuery = token.key === 'SELECT' && token.depth === 1 && previous?.text === '('
    if (token.key === 'INFILE' && previous?.key === 'FROM')
      throw serverError('UNKNOWN_TYPE_OF_QUERY', 'Query has infile and was send directly to server.')
    if (formatAt !== undefined) return withData(sql, settingsAt, formatAt, token.text, afterFirstLineBreak(sql, token.end))
    if (opensQuery || (isClause && (token.key === 'SELECT' || token.key === 'WITH')))
      return { kind: 'insertSelect', text: sql.slice(0, readStatement(stream).end) }
    if (isClause && token.key === 'VALUES') return withData(sql, settingsAt, token.start, 'Values', token.end)
    if (isClause && token.key === 'FORMAT') formatAt = token.start
    if (isClause && token.key === 'SETTINGS') settingsAt ??= token.start
    previous = token
  }
  return withData(sql, settingsAt, sql.length, 'Values', sql.length)
}

function withData(sql: string, settingsAt: number | undefined, clauseAt: number, format: string, dataAt: number): Statement {
  const settings = settingsAt === undefined ? '' : sql.slice(settingsAt, clauseAt)
  return { kind: 'insertData', head: sql.slice(0, settingsAt ?? clauseAt), settings, format, data: sql.slice(dataAt) }
}

// The blanks and the one line break after the format's name are not data; a semicolon there ends the query.
function afterFirstLineBreak(sql: string, at: number): number {
  return at + (/^[ \t]*;?[ \t]*\r?\n?/.exec(sql.slice(at, at + 200))?.[0].length ?? 0)
}

/** The rest of one statement; `end` excludes a closing semicolon. */
function readStatement(stream: Generator<Token>): { tokens: Token[]; end: number | undefined } {
  const found: Token[] = []
  let end: number | undefined
  for (const token of stream) {
    if (end !== undefined) {
      if (token.text === ';') continue
      throw serverError('SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed).')
    }
    if (token.text === ';' && token.depth <= 0) end = token.start
    else found.push(token)
    if (token.key === 'OUTFILE' && found.at(-2)?.key === 'INTO')
      throw serverError('UNKNOWN_TYPE_OF_QUERY', 'INTO OUTFILE is not allowed.')
  }
  return { tokens: found, end }
}
