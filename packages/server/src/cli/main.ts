/** The program `strongroom`: its commands and their exit codes. */
import { Command, CommanderError } from 'commander'
import { EXIT, exitCodeFor } from './exit.ts'

/** Runs one command line and resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.done
  const program = new Command('strongroom')
    .description('The S3 server whose speciality is encryption')
    .showHelpAfterError()
    .exitOverride()

  program
    .command('serve')
    .description('serve S3 and KMS from a data folder')
    .option('--data <dir>', 'the data folder (default ./strongroom-data)')
    .option('--secrets <dir>', 'what is secret and was made at first start (default DATA/secrets)')
    .option('--http <host:port>', 'where to serve plain HTTP, or off (default 127.0.0.1:9000)')
    .option('--https <host:port>', 'where to serve HTTPS, or off (default 127.0.0.1:9443)')
    .option('--tls-cert <file>', 'your own certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--region <name>', 'the region (default us-east-1)')
    .option('--workers <n>', 'worker processes (default one per core)')
    .option('--config <file>', 'configuration file, YAML or JSON')
    .option('--domain <name>', 'host name under which BUCKET.NAME is a bucket')
    .option('--console <host:port>', 'off; this version has no console')
    .option('--log-level <level>', 'silent, error, warn or info (default info)')
    .option('--json', 'print one JSON line when ready')
    .action(async (flags) => {
      exitCode = await (await import('./serve.ts')).serve(flags)
    })

  program
    .command('demo')
    .description('a guided tour on a throw-away data folder')
    .action(async () => {
      exitCode = await (await import('./demo.ts')).demo()
    })

  program
    .command('fsck')
    .description('verify everything at rest; the server must not be running')
    .option('--data <dir>', 'the data folder (default ./strongroom-data)')
    .option('--secrets <dir>', 'the secrets folder (default DATA/secrets)')
    .action(async (flags) => {
      exitCode = await (await import('./fsck.ts')).fsckCommand(flags)
    })

  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    process.stderr.write(`strongroom: ${(error as Error).message}\n`)
    return exitCodeFor(error)
  }
}
