/**
 * Checks that imports inside the server go downwards only, and that rooms on one floor leave each other alone.
 * The floors are those of ARCHITECTURE.md. Tests may import whatever they test with.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { root } from './prepare.mjs'

/** From the ground up. The package @strongroom/crypto lies between the first and the second. */
const FLOORS = [
  ['core'],
  ['signature', 'policy', 'quota'],
  ['storage', 'root-key'],
  ['records'],
  ['journal'],
  ['keys', 'identity', 'limits', 'audit', 'metrics'],
  ['objects', 'trails', 'alarms', 'dashboards'],
  ['protocols', 'backup', 'delivery', 'telemetry'],
  ['s3', 'kms', 'iam', 'sts', 'servicequotas', 'cloudtrail', 'cloudwatch', 'admin', 'explain'],
  ['http'],
  ['cli'],
]
const floorOf = new Map(FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor])))
const source = join(root, 'packages/server/src')

const problems = []
for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.ts') || file.endsWith('.test.ts') || /\.(contract|fixture)\.ts$/.test(file)) continue
  const room = file.split(/[\\/]/)[0]
  if (!floorOf.has(room)) {
    problems.push(`${file}: the room ${room} is on no floor`)
    continue
  }
  for (const [, specifier] of readFileSync(join(source, file), 'utf8').matchAll(
    /(?:from|import)\s*\(?\s*'(\.[^']+)'/g,
  )) {
    const target = relative(source, resolve(source, dirname(file), specifier)).split(/[\\/]/)[0]
    if (target === room) continue
    if (!(floorOf.get(target) < floorOf.get(room)))
      problems.push(`${file} imports ${specifier}: ${target} is not below ${room}`)
  }
}

for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'floors: every import goes downwards' : `floors: ${problems.length} imports do not`)
process.exit(problems.length === 0 ? 0 : 1)
