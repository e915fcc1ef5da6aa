/**
 * Text from outside (station names, error messages) made harmless for people's inboxes: one line, no control or
 * direction-changing characters, bounded length. Escaping for a medium (HTML, Slack) is a second, separate step.
 */

// Controls (incl. newlines), bidirectional overrides/isolates/marks, zero-width characters, line/paragraph separators, BOM, lone surrogates.
const UNSAFE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const DEFAULT_MAX_CHARACTERS = 200

/** One line of at most `maxCharacters` code points; an ellipsis marks what was cut. */
export function oneLine(text: string, maxCharacters = DEFAULT_MAX_CHARACTERS): string {
  const flat = text
    .slice(0, maxCharacters * 8)
    .replace(UNSAFE, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const points = Array.from(flat)
  return points.length <= maxCharacters ? flat : `${points.slice(0, maxCharacters - 1).join('')}…`
}

const HTML_ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Escapes for HTML text and double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ENTITIES[character] ?? character)
}

/** Slack's own three entities: with them `<!channel>`, `<@U…>` and `<http…|…>` stay text. Source: Slack "Formatting text for app surfaces". */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Escapes, then cuts to `maxCharacters` UTF-16 units (Slack counts the escaped text) without cutting an entity or a surrogate pair. */
export function escapeSlackWithin(text: string, maxCharacters: number): string {
  let out = ''
  for (const character of text) {
    const escaped = escapeSlack(character)
    if (out.length + escaped.length > maxCharacters - 1) return `${out}…`
    out += escaped
  }
  return out
}
