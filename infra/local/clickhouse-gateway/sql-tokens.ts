// Just enough of ClickHouse's lexer to find clauses and `{name:Type}` placeholders without being fooled by strings and comments.

export type Token = {
  kind: 'word' | 'string' | 'quotedName' | 'number' | 'parameter' | 'punctuation'
  /** As written. */
  text: string
  /** Upper case for words, else as written. */
  key: string
  start: number
  end: number
  /** Number of brackets open around the token. */
  depth: number
}

const SKIP = /(?:\s+|--[^\n]*|#[ !][^\n]*|\/\*[\s\S]*?(?:\*\/|$))+/y
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMBER = /(?:\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y
const STRING = /'(?:[^'\\]|\\[\s\S]|'')*'/y
const QUOTED_NAME = /"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`/y
const HEREDOC = /\$(\w*)\$[\s\S]*?\$\1\$/y
const PARAMETER = /\{\s*[A-Za-z_]\w*\s*:(?:[^{}']|'(?:[^'\\]|\\[\s\S])*')*\}/y

/** Lazily, so that a caller can stop where an insert's data begins: data is not SQL. An unclosed quote ends the stream; the engine names it. */
export function* tokens(sql: string): Generator<Token> {
  let at = 0
  let depth = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(sql)?.[0]
  }
  while (at < sql.length) {
    at += match(SKIP)?.length ?? 0
    if (at >= sql.length) return
    const [kind, text] = next(match, sql.charAt(at))
    if (kind === 'unclosed') return
    if (text === ')' || text === ']' || text === '}') depth -= 1
    yield { kind, text, key: kind === 'word' ? text.toUpperCase() : text, start: at, end: at + text.length, depth }
    if (text === '(' || text === '[' || text === '{') depth += 1
    at += text.length
  }
}

function next(match: (pattern: RegExp) => string | undefined, character: string): [Token['kind'] | 'unclosed', string] {
  const found = (kind: Token['kind'], pattern: RegExp): [Token['kind'], string] | undefined => {
    const text = match(pattern)
    return text === undefined ? undefined : [kind, text]
  }
  switch (character) {
    case "'":
      return found('string', STRING) ?? ['unclosed', character]
    case '"':
    case '`':
      return found('quotedName', QUOTED_NAME) ?? ['unclosed', character]
    case '{':
      return found('parameter', PARAMETER) ?? ['punctuation', character]
    case '$':
      return found('string', HEREDOC) ?? ['punctuation', character]
    default:
      return found('word', WORD) ?? found('number', NUMBER) ?? ['punctuation', character]
  }
}

export function quoteString(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`
}

export function quoteName(name: string): string {
  return `\`${name.replace(/\\/g, '\\\\').replace(/`/g, '\\`')}\``
}
