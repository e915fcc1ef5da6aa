/** The parts of an OpenAPI 3.1 document that this page reads, and example bodies made from its schemas. */

export type Schema = {
  $ref?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  enum?: unknown[]
  default?: unknown
  example?: unknown
  description?: string
  minimum?: number
  anyOf?: Schema[]
  oneOf?: Schema[]
}
export type Parameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema?: Schema
  example?: unknown
}
export type Operation = {
  tags?: string[]
  summary?: string
  description?: string
  security?: Array<Record<string, string[]>>
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, unknown> }>
}
export type OpenApi = {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, Schema> }
}
export type Entry = { method: string; path: string; operation: Operation }

export function entriesByTag(document: OpenApi): Map<string, Entry[]> {
  const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Entry => ({ method: method.toUpperCase(), path, operation })),
  )
  return Map.groupBy(entries, ({ operation }) => operation.tags?.[0] ?? 'Other')
}

/** What a caller needs: nothing, any key unless reading is public, or a scope. */
export function accessOf({ security }: Operation): string {
  if (!security || security.length === 0) return 'open'
  const scope = security.flatMap((one) => one['key'] ?? [])[0]
  return scope ? `scope ${scope}` : 'read'
}

/** Required fields, and those with an example or a default. */
export function exampleOf(schema: Schema | undefined, document: OpenApi, depth = 0): unknown {
  if (!schema || depth > 6) return null
  if (schema.$ref) return exampleOf(document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? ''], document, depth + 1)
  if (schema.example !== undefined) return schema.example
  if (schema.default !== undefined) return schema.default
  if (schema.enum) return schema.enum[0]
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0]
  if (choice) return exampleOf(choice, document, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') {
    const required = schema.required ?? []
    return Object.fromEntries(
      Object.entries(schema.properties ?? {})
        .filter(([name, field]) => required.includes(name) || field.example !== undefined)
        .map(([name, field]) => [name, exampleOf(field, document, depth + 1)]),
    )
  }
  if (type === 'array') return [exampleOf(schema.items, document, depth + 1)]
  if (type === 'number' || type === 'integer') return schema.minimum ?? 0
  return type === 'boolean' ? false : ''
}

/** The address with its parameters filled in; empty values are left out. */
export function addressOf({ path, operation }: Entry, values: ReadonlyMap<string, string>): string {
  let address = path
  const query = new URLSearchParams()
  for (const { name, in: place } of operation.parameters ?? []) {
    const value = values.get(`${place}:${name}`) ?? ''
    if (place === 'path') address = address.replace(`{${name}}`, encodeURIComponent(value))
    if (place === 'query' && value !== '') query.set(name, value)
  }
  return query.size > 0 ? `${address}?${query}` : address
}

/** A command line; text in single quotes is safe in any POSIX shell. */
export function curlOf(method: string, url: string, headers: Record<string, string>, body: string | null): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
  const parts = ['curl', '-s', ...(method === 'GET' ? [] : ['-X', method]), quoted(url)]
  for (const [name, value] of Object.entries(headers)) parts.push('-H', quoted(`${name}: ${value}`))
  if (body !== null) parts.push('-d', quoted(body))
  return parts.join(' ')
}
