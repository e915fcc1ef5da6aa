/**
 * Strings of a closed set ("values" in our schemas: flags, kinds, roles) read without making a new string for each: a checked observation
 * holds fourteen of them. Bytes that are none of the set read as any string does; what is written does not change.
 */
import avsc, { type Type } from 'avsc'

/** What avsc 5 (pinned) hands its types to read from: a buffer and a place in it. */
type Tap = { readonly buf: Buffer; pos: number }
const ReadableString = avsc.types.StringType as unknown as new () => Type & { _read(tap: Tap): string }

/** For Type.forSchema: takes over `{"type": "string", "values": […]}` and leaves everything else to avsc. */
export function closedStringHook(schema: unknown): Type | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined
  const { type, values } = schema as { type?: unknown; values?: unknown }
  if (type !== 'string' || !Array.isArray(values)) return undefined
  const known = (values as string[]).map((text) => ({ text, bytes: Buffer.from(text) })).filter(({ bytes }) => bytes.length < 64)
  // avsc freezes its types: the set lives in the class.
  class ClosedString extends ReadableString {
    override _read(tap: Tap): string {
      const { buf, pos } = tap
      const head = buf[pos] as number
      for (const { text, bytes } of known) {
        // The length stands before the text as a zigzag varint, one byte for a set of ours.
        if (head === bytes.length * 2 && holds(buf, pos + 1, bytes)) {
          tap.pos = pos + 1 + bytes.length
          return text
        }
      }
      return super._read(tap)
    }
  }
  return new ClosedString()
}

/** Beyond the end of the buffer nothing equals a byte. */
function holds(buffer: Buffer, from: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (buffer[from + i] !== bytes[i]) return false
  return true
}
