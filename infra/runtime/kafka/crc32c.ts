/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), sixteen bytes a step with sixteen tables ("slicing by 16"; Kounavis and Berry,
 * A Systematic Approach to Building High Performance Software-Based CRC Generators, ISCC 2005).
 */
const TABLES = 16
/** Table k at 256 k: what a byte adds that is followed by k others. One array, so that an index needs one check. */
const TABLE = makeTables()

export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let crc = -1
  let i = from
  for (const end = to - TABLES; i <= end; i += TABLES) {
    const a = crc ^ words.getInt32(i, true)
    const b = words.getInt32(i + 4, true)
    const c = words.getInt32(i + 8, true)
    const d = words.getInt32(i + 12, true)
    crc = slice(a, 3072) ^ slice(b, 2048) ^ slice(c, 1024) ^ slice(d, 0)
  }
  for (; i < to; i++) crc = TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}

/** Four bytes; `table`: place of the table of the last of them. */
function slice(word: number, table: number): number {
  return (
    TABLE[table + 768 + (word & 255)]! ^
    TABLE[table + 512 + ((word >>> 8) & 255)]! ^
    TABLE[table + 256 + ((word >>> 16) & 255)]! ^
    TABLE[table + (word >>> 24)]!
  )
}

function makeTables(): Int32Array {
  const tables = new Int32Array(TABLES * 256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
    tables[n] = c
  }
  for (let n = 256; n < tables.length; n++) {
    const shorter = tables[n - 256]!
    tables[n] = tables[shorter & 255]! ^ (shorter >>> 8)
  }
  return tables
}
