/**
 * Certificates made at first start: a local CA and a server certificate signed by it.
 *
 * The CA certificate to trust is `tls/ca.pem` of the data folder; private keys stay in the secrets folder, mode 0600.
 * A server certificate that is about to end is made anew from the same CA, so clients keep their trust.
 */
import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { readIfPresent, writeFileDurably } from '../core/durable-file.ts'

export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
  /** The CA to trust; undefined where the operator brought a certificate of their own. */
  readonly caPath: string | undefined
}

/** Makes what is missing and returns where it all is. Idempotent. Only one process may call it at a time. */
export async function ensureLocalCertificates(options: {
  readonly tlsDir: string
  readonly secretsDir: string
  readonly extraHosts: readonly string[]
  readonly nowMs: number
}): Promise<TlsFiles> {
  const { tlsDir, secretsDir, nowMs } = options
  await mkdir(tlsDir, { recursive: true, mode: 0o700 })
  await mkdir(secretsDir, { recursive: true, mode: 0o700 })
  const paths = {
    ca: join(tlsDir, 'ca.pem'),
    cert: join(tlsDir, 'server.pem'),
    caKey: join(secretsDir, 'ca.key'),
    key: join(secretsDir, 'server.key'),
  }
  const hosts = [...new Set(['localhost', '*.s3.localhost', hostname(), ...options.extraHosts])]

  let authority = await readAuthority(paths.ca, paths.caKey)
  if (!authority || endsSoon(authority.pem, nowMs)) {
    authority = await makeAuthority(nowMs)
    await writeFileDurably(paths.caKey, authority.keyPem, 0o600)
    await writeFileDurably(paths.ca, authority.pem, 0o644)
  }
  const current = await readIfPresent(paths.cert)
  const usable =
    current !== undefined &&
    (await readIfPresent(paths.key)) !== undefined &&
    !endsSoon(current, nowMs) &&
    new X509Certificate(current).verify(new X509Certificate(authority.pem).publicKey) &&
    hosts.every((host) => new X509Certificate(current).checkHost(host.replace('*', 'any')) !== undefined)
  if (!usable) {
    const made = await makeServerCertificate(authority, hosts, nowMs)
    await writeFileDurably(paths.key, made.keyPem, 0o600)
    await writeFileDurably(paths.cert, made.pem, 0o644)
  }
  return { certPath: paths.cert, keyPath: paths.key, caPath: paths.ca }
}

interface Authority {
  readonly pem: string
  readonly keyPem: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
/** Browsers and Apple's clients refuse server certificates that live longer than 398 days, also private ones soon. */
const SERVER_DAYS = 397
const RENEW_BEFORE_DAYS = 30

async function readAuthority(certPath: string, keyPath: string): Promise<Authority | undefined> {
  const [pem, keyPem] = await Promise.all([readIfPresent(certPath), readIfPresent(keyPath)])
  return pem && keyPem ? { pem, keyPem } : undefined
}

async function makeAuthority(nowMs: number): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Strongroom local CA (${hostname()})`,
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { pem: `${certificate.toString('pem')}\n`, keyPem: await privateKeyPem(keys.privateKey) }
}

async function makeServerCertificate(authority: Authority, hosts: readonly string[], nowMs: number) {
  const issuer = new x509.X509Certificate(authority.pem)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(authority.keyPem),
    ALGORITHM,
    false,
    ['sign'],
  )
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=Strongroom',
    issuer: issuer.subject,
    notBefore: new Date(nowMs - DAY_MS),
    notAfter: new Date(nowMs + SERVER_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...hosts.map((value) => ({ type: 'dns' as const, value })),
        { type: 'ip' as const, value: '127.0.0.1' },
        { type: 'ip' as const, value: '::1' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { pem: `${certificate.toString('pem')}\n`, keyPem: await privateKeyPem(keys.privateKey) }
}

/** A positive random serial number of 16 bytes (RFC 5280, 4.1.2.2). */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0]! & 0x7f) | 0x01
  return Buffer.from(bytes).toString('hex')
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

function endsSoon(pem: string, nowMs: number): boolean {
  return Date.parse(new X509Certificate(pem).validTo) < nowMs + RENEW_BEFORE_DAYS * DAY_MS
}
