/** `npm test [-- vitest arguments]`: every test that needs no system package; tests of absent programs say they are skipped. */
import { bin, prepare, run } from './prepare.mjs'

prepare()
run(bin('vitest'), ['run', ...process.argv.slice(2)])
