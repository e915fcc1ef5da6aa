/** The part of Avro's schema language our .avsc files use, and its translation to TypeScript. */

export type AvroRecord = { type: 'record'; name: string; namespace?: string; doc?: string; fields: AvroField[] }
export type AvroField = { name: string; type: AvroType; doc?: string; default?: unknown }
export type AvroType =
  | string
  | AvroRecord
  | { type: 'array'; items: AvroType }
  | { type: 'map'; values: AvroType }
  | { type: 'string'; values: string[] }
  | { type: 'long'; logicalType: 'timestamp-millis' }
  | AvroType[]

const PRIMITIVES: Record<string, string> = {
  string: 'string',
  double: 'number',
  float: 'number',
  int: 'number',
  long: 'number',
  boolean: 'boolean',
  null: 'null',
}

/** TypeScript source of a record and of the records nested in it, innermost first. Throws on a construct we do not use. */
export function recordToTypeScript(record: AvroRecord): string[] {
  const nested: string[] = []
  const lines = record.fields.map((field) => {
    const doc = field.doc ? `  /** ${field.doc} */\n` : ''
    return `${doc}  ${field.name}: ${typeToTypeScript(field.type, nested)}`
  })
  const doc = record.doc ? `/** ${record.doc} */\n` : ''
  return [...nested, `${doc}export type ${record.name} = {\n${lines.join('\n')}\n}`]
}

function typeToTypeScript(type: AvroType, nested: string[]): string {
  if (typeof type === 'string') return PRIMITIVES[type] ?? type
  if (Array.isArray(type)) return type.map((t) => typeToTypeScript(t, nested)).join(' | ')
  if (type.type === 'record') {
    nested.push(...recordToTypeScript(type))
    return type.name
  }
  if (type.type === 'array') return `Array<${typeToTypeScript(type.items, nested)}>`
  if (type.type === 'map') return `Record<string, ${typeToTypeScript(type.values, nested)}>`
  if (type.type === 'string') return type.values.map((v) => `'${v}'`).join(' | ')
  if (type.type === 'long') return 'number'
  throw new Error(`unsupported Avro type ${JSON.stringify(type)}`)
}
