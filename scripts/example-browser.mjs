/** `npm run example:browser`: prepare, then serve examples/browser where its cors.json says that it is. */
import { bin, prepare, run } from './prepare.mjs'

prepare()
run(bin('vite'), ['examples/browser', '--port', '5173', '--strictPort', ...process.argv.slice(2)])
