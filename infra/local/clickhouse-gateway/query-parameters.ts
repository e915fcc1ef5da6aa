/**
 * `{name:Type}` placeholders, replaced in the text by `_CAST('value', 'Type')` as the server's own ReplaceQueryParameterVisitor does.
 * Not the engine's binding API: that one serialises every parameterised query of the process, so a slow one would block the rest.
 */
import { serverError } from './server-error.ts'
import { quoteName, quoteString, tokens } from './sql-tokens.ts'

/** Values as the HTTP interface carries them: text in ClickHouse's escaped form, `\N` for NULL. */
export type QueryParameters = ReadonlyMap<string, string>

/** Throws UNKNOWN_QUERY_PARAMETER for a placeholder without a value, except in CREATE VIEW, whose placeholders are the view's own. */
export function substituteParameters(sql: string, values: QueryParameters, stopAt = sql.length): string {
  if (!sql.includes('{')) return sql
  let out = ''
  let copied = 0
  const firstWords: string[] = []
  for (const token of tokens(sql)) {
    if (token.start >= stopAt) break
    if (firstWords.length < 6) firstWords.push(token.key)
    if (token.kind !== 'parameter') continue
    const colon = token.text.indexOf(':')
    const name = token.text.slice(1, colon).trim()
    const type = token.text.slice(colon + 1, -1).trim()
    const value = values.get(name)
    if (value === undefined) {
      if (firstWords[0] === 'CREATE' && firstWords.includes('VIEW')) continue
      throw serverError('UNKNOWN_QUERY_PARAMETER', `Substitution \`${name}\` is not set.`)
    }
    out += sql.slice(copied, token.start) + literal(name, value, type)
    copied = token.end
  }
  return out + sql.slice(copied)
}

function literal(name: string, value: string, type: string): string {
  if (/^Identifier$/i.test(type)) return quoteName(unescapeText(value))
  const inner = innerType(type)
  if (value === '\\N') return `_CAST(NULL, ${quoteString(type)})`
  if (/^Map\s*\(/.test(inner)) return `_CAST(${mapExpression(name, value)}, ${quoteString(type)})`
  // Text types carry one level of escapes; in composite types the escapes belong to the quoted strings inside and CAST reads them.
  const isText = /^(String|FixedString|Enum|Enum8|Enum16|JSON|Date|DateTime|UUID|IPv)/.test(inner)
  return `_CAST(${quoteString(isText ? unescapeText(value) : arrayKeywords(value, inner))}, ${quoteString(type)})`
}

function innerType(type: string): string {
  const wrapped = /^(?:Nullable|LowCardinality)\s*\(([\s\S]*)\)$/.exec(type)
  return wrapped?.[1] === undefined ? type : innerType(wrapped[1].trim())
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '0': '\0', b: '\b', f: '\f' }

function unescapeText(text: string): string {
  return text.replace(/\\([\s\S])/g, (_, character: string) => ESCAPES[character] ?? character)
}

// @clickhouse/client writes booleans inside arrays as TRUE and FALSE, which CAST reads for Bool but not for integers.
function arrayKeywords(value: string, type: string): string {
  if (!/^Array\s*\(/.test(type) || /\bBool\b/.test(type)) return value
  let out = ''
  let copied = 0
  for (const token of tokens(value)) {
    if (token.kind !== 'word' || (token.key !== 'TRUE' && token.key !== 'FALSE')) continue
    out += value.slice(copied, token.start) + (token.key === 'TRUE' ? '1' : '0')
    copied = token.end
  }
  return out + value.slice(copied)
}

const LITERAL_WORDS = new Set(['NULL', 'TRUE', 'FALSE', 'NAN', 'INF'])

/** `{'a':1}` → `map('a',1)`. CAST does not read a map from text; every token is checked, so that a value can never become SQL. */
function mapExpression(name: string, value: string): string {
  let out = ''
  let end = 0
  for (const token of tokens(value)) {
    end = token.end
    if (token.text === '{') out += 'map('
    else if (token.text === '}') out += ')'
    else if (token.text === ':') out += ','
    else if (
      token.kind === 'string' ||
      token.kind === 'number' ||
      /^[[\](),+-]$/.test(token.text) ||
      LITERAL_WORDS.has(token.key)
    )
      out += token.text
    else throw badValue(name, value)
  }
  if (end !== value.trimEnd().length) throw badValue(name, value)
  return out
}

function badValue(name: string, value: string): Error {
  return serverError(
    'BAD_QUERY_PARAMETER',
    `Value ${value.slice(0, 100)} cannot be parsed as a map for query parameter '${name}'.`,
  )
}
