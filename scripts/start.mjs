/** `npm start [-- flags]` and `npm run demo`: prepare, then become the program. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'

prepare()

const given = process.argv.slice(2)
const command = given[0] === 'demo' ? given : ['serve', ...given]
const child = spawn(process.execPath, [join(root, 'packages/server/bin/strongroom.mjs'), ...command], {
  stdio: 'inherit',
  cwd: process.env.INIT_CWD ?? process.cwd(),
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
