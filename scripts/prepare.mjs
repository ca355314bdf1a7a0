/**
 * Installs what is missing and builds what is stale, quietly where there is nothing to do.
 * Imported by the scripts behind `npm start`, `npm test`, `npm run demo`, `npm run check` and `npm run bench`.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs a command in the repository with the caller's terminal; ends this process with its status where it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** A program of a development dependency. */
export const bin = (name) => join(root, 'node_modules', '.bin', name)

export function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Strongroom needs Node.js 20.19 or later; this is ${process.version}.`)
    process.exit(78)
  }
  install()
  // What serve prints may be read by a program, so the build speaks on standard error.
  run(
    process.execPath,
    [
      join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      '-b',
      'packages/crypto',
      'packages/client',
      'packages/server',
    ],
    {
      stdio: ['inherit', 2, 2],
    },
  )
}

/** `npm ci` where the lockfile is not the one that node_modules was made from. */
function install() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.installed-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  console.error('Installing dependencies (npm ci) …')
  const npm = process.env.npm_execpath
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  run(command, [...args, 'ci', '--no-audit', '--no-fund'], { stdio: ['inherit', 2, 2] })
  writeFileSync(stamp, wanted)
}
