/**
 * `npm run fuzz [-- --minutes 1 --only NAME --seed S]`: explores every target for so many minutes each (docs/fuzzing.md).
 * Readers run from their source, which is bundled first.
 */
import { join } from 'node:path'
import { build } from 'vite'
import { prepare, root } from '../scripts/prepare.mjs'

prepare()
const outDir = join(root, 'fuzz/dist')
await build({
  configFile: false,
  logLevel: 'warn',
  root: join(root, 'fuzz'),
  build: {
    ssr: true,
    outDir,
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    rollupOptions: { input: { run: join(root, 'fuzz/run.ts'), worker: join(root, 'fuzz/worker.ts') } },
  },
})
const { run } = await import(join(outDir, 'run.js'))
const places = { worker: join(outDir, 'worker.js'), corpus: join(root, 'fuzz/corpus') }
const findings = await run(process.argv.slice(2), places)
process.exitCode = findings === 0 ? 0 : 1
