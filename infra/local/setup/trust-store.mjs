// The certificate store of an unpacked Java. Debian builds it when the package is installed; a merely unpacked Java has none and could
// not open any https address. Written in the JKS format (version 2, trusted certificates only) from the system's PEM bundle.
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import tls from 'node:tls'

const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem']
const PASSWORD = 'changeit' // Java's own default; the store holds public certificates only

/** Writes a JKS trust store with the system's certificates and those named by SSL_CERT_FILE and NODE_EXTRA_CA_CERTS. */
export function writeTrustStore(file, { env = process.env } = {}) {
  const sources = [...BUNDLES, env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].filter((path) => path && existsSync(path))
  const pems = sources.flatMap(
    (path) => readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
  )
  const certificates = new Map(
    (pems.length > 0 ? pems : tls.rootCertificates).map((pem) => der(pem)).map((raw) => [sha1(raw).toString('hex'), raw]),
  )
  const entries = [...certificates].map(([alias, raw]) =>
    Buffer.concat([int32(2), utf(alias), Buffer.alloc(8), utf('X.509'), int32(raw.length), raw]),
  )
  const body = Buffer.concat([int32(0xfeedfeed), int32(2), int32(entries.length), ...entries])
  const digest = createHash('sha1')
    .update(Buffer.from(PASSWORD, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(body)
    .digest()
  writeFileSync(file, Buffer.concat([body, digest]))
}

const der = (pem) => new X509Certificate(pem).raw
const sha1 = (bytes) => createHash('sha1').update(bytes).digest()

function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function utf(text) {
  const bytes = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}
