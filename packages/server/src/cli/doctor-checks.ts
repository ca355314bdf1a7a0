/** What `doctor` looks at outside the catalog: file modes, root key, certificate, disk. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent } from '../core/durable-file.ts'
import { RootKeyError, RootKeyUnreachable } from '../root-key/provider.ts'
import { ringPath } from '../root-key/ring-file.ts'
import type { StoreKey } from '../root-key/store-key.ts'
import { dataFolder } from './data-folder.ts'
import { ConfigurationError } from './exit.ts'
import { isThere, openRing, rootKeyProvider } from './root-key.ts'
import type { Settings } from './settings.ts'

export interface Finding {
  readonly severity: 'error' | 'warning'
  /** A file, a bucket, or a part of the installation. */
  readonly about: string
  readonly message: string
  readonly advice?: string
}

const DAY_MS = 86_400_000
const CERTIFICATE_SOON_DAYS = 14
const DISK_LOW_BYTES = 1024 ** 3
const DISK_FULL_BYTES = 64 * 1024 ** 2

/** Secrets that others can read. */
export async function modeFindings({ secretsDir }: Settings): Promise<Finding[]> {
  if (!(await isThere(secretsDir))) return []
  const paths = [secretsDir, ...(await readdir(secretsDir)).map((file) => join(secretsDir, file))]
  const findings: Finding[] = []
  for (const path of paths) {
    const { mode } = await stat(path)
    if ((mode & 0o077) === 0) continue
    findings.push({
      severity: 'error',
      about: path,
      message: `others than its owner can get at it (mode ${(mode & 0o777).toString(8)})`,
      advice: `chmod ${path === secretsDir ? '700' : '600'} ${path}`,
    })
  }
  return findings
}

/** Whether the root key can be had and opens the ring that the folder was made with. */
export async function rootKeyFindings(
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly storeKey: StoreKey | undefined; readonly findings: Finding[] }> {
  const about = 'root key'
  const error = (message: string) => ({
    storeKey: undefined,
    findings: [{ severity: 'error', about, message } satisfies Finding],
  })
  const isServed = (await isThere(ringPath(settings.dataDir))) || (await isThere(join(settings.dataDir, 'catalog')))
  if (!isServed) return error(`${settings.dataDir} has not been served from yet`)
  try {
    const provider = rootKeyProvider(settings, env)
    const ring = await openRing(settings, provider, { readOnly: true })
    const findings: Finding[] = []
    const warn = (message: string) => findings.push({ severity: 'warning', about, message })
    if (provider.warning !== undefined) warn(provider.warning)
    if (ring.coming || ring.old.length > 0) warn('its rotation is under way: an old version of the store key is kept')
    return { storeKey: ring.storeKey(), findings }
  } catch (thrown) {
    const isTold = [RootKeyError, RootKeyUnreachable, ConfigurationError].some((kind) => thrown instanceof kind)
    if (!isTold) throw thrown
    return error((thrown as Error).message)
  }
}

export async function certificateFindings(settings: Settings, nowMs: number): Promise<Finding[]> {
  if (!settings.https) {
    const message = 'HTTPS is off: SSE-C, SSE-KMS and the services with secrets cannot be used'
    return [{ severity: 'warning', about: 'certificate', message }]
  }
  const made = {
    certPath: join(dataFolder(settings.dataDir).tlsDir, 'server.pem'),
    keyPath: join(settings.secretsDir, 'server.key'),
  }
  const { certPath, keyPath } = settings.tls ?? made
  const error = (message: string): Finding[] => [{ severity: 'error', about: certPath, message }]
  const [certificatePem, keyPem] = await Promise.all([certPath, keyPath].map((path) => readIfPresent(path)))
  if (certificatePem === undefined) return error('the certificate is missing')
  if (keyPem === undefined) return error(`its private key ${keyPath} is missing`)
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(certificatePem)
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return error(`${keyPath} is not its private key`)
  } catch {
    return error('certificate or private key cannot be read')
  }
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  if (nowMs < from) return error(`the certificate is valid only from ${certificate.validFrom}`)
  if (nowMs > to) return error(`the certificate has been out of date since ${certificate.validTo}`)
  const days = Math.floor((to - nowMs) / DAY_MS)
  if (days >= CERTIFICATE_SOON_DAYS) return []
  return [{ severity: 'warning', about: certPath, message: `the certificate ends in ${days} days` }]
}

export async function diskFindings({ dataDir }: Settings): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(dataDir)
  const free = bavail * bsize
  if (free >= DISK_LOW_BYTES) return []
  const message = `${Math.floor(free / 1024 ** 2)} MiB are free`
  return [{ severity: free < DISK_FULL_BYTES ? 'error' : 'warning', about: 'disk', message }]
}
