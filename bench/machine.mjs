/** What the figures were measured on. */
import { spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

export function machine() {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    openssl: process.versions.openssl,
  }
}

/** MB/s of one core by `openssl speed` at 64 KiB; undefined where there is no openssl program. */
export function cryptoSpeeds() {
  const speed = (...algorithm) => {
    const args = ['speed', '-mr', '-seconds', '1', '-bytes', '65536', ...algorithm]
    const { stdout, status } = spawnSync('openssl', args, { encoding: 'utf8' })
    if (status !== 0) return undefined
    const last = stdout.trim().split('\n').at(-1)
    return Math.round(Number(last.split(':').at(-1)) / 1e6)
  }
  return { 'aes-256-gcm': speed('-evp', 'aes-256-gcm'), md5: speed('-evp', 'md5'), sha256: speed('-evp', 'sha256') }
}
