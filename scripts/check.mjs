/**
 * `npm run check`: format, lint, types, floors, stale documents, fast tests; the one command before a commit. With
 * `--without-tests` for who runs all tests besides.
 */
import { join } from 'node:path'
import { bin, prepare, root, run } from './prepare.mjs'

prepare()
run(bin('biome'), ['ci', '--error-on-warnings', '.'])
for (const project of ['test', 'examples/browser'])
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project])
run(process.execPath, ['scripts/check-floors.mjs'])
run(process.execPath, ['scripts/compatibility.mjs', '--check'])
run(process.execPath, ['scripts/api-reference.mjs', '--check'])
run(process.execPath, ['scripts/dashboard.mjs', '--check'])
run(process.execPath, ['packages/crypto/vectors/make.mjs', '--check'])
run(process.execPath, ['packages/client/vectors/make.mjs', '--check'])
if (!process.argv.includes('--without-tests')) run(bin('vitest'), ['run', '--project', 'fast'])
