/** The program `strongroom`: its commands and their exit codes. */
import { Command, CommanderError } from 'commander'
import { withConnection } from './connection-options.ts'
import { addCseCommands } from './cse.ts'
import { EXIT, exitCodeFor } from './exit.ts'
import type { ReadyMadeName } from './policy.ts'

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
    .option('--config <file>', 'the configuration file')
    .action(async (flags) => {
      exitCode = await (await import('./fsck.ts')).fsckCommand(flags)
    })

  const backup = program
    .command('backup')
    .description('copy a data folder, beside a running server too; a later backup into TARGET copies what is new')
    .argument('<target>', 'the backup’s folder')
    .option('--data <dir>', 'the data folder (default ./strongroom-data)')
    .option('--secrets <dir>', 'the secrets folder (default DATA/secrets)')
    .option('--config <file>', 'the configuration file')
    .option('--with-secrets', 'the secrets as well: whoever has the backup can then read everything')
    .option('--json', 'print JSON lines')
    .action(async (target: string, flags) => {
      exitCode = await (await import('./backup.ts')).backupCommand(target, flags)
    })
  backup
    .command('verify <target>')
    .description('whether all of a backup is as it was written; needs no key')
    .option('--json', 'print JSON lines')
    .action(async (target: string, _flags, command: Command) => {
      exitCode = await (await import('./backup.ts')).verifyBackupCommand(target, command.optsWithGlobals())
    })
  program
    .command('restore <target>')
    .description('make a data folder of a backup')
    .option('--data <dir>', 'an empty or absent folder (default ./strongroom-data)')
    .option('--secrets <dir>', 'where secrets go, if the backup has them (default DATA/secrets)')
    .option('--json', 'print JSON lines')
    .action(async (target: string, flags) => {
      exitCode = await (await import('./restore.ts')).restoreCommand(target, flags)
    })

  program
    .command('doctor')
    .description('look at an installation, also beside a running server, and say what is wrong')
    .option('--data <dir>', 'the data folder (default ./strongroom-data)')
    .option('--secrets <dir>', 'the secrets folder (default DATA/secrets)')
    .option('--config <file>', 'the configuration file')
    .option('--json', 'print the findings as JSON')
    .action(async (flags) => {
      exitCode = await (await import('./doctor.ts')).doctorCommand(flags)
    })

  withConnection(program.command('explain [request-id]'))
    .description('why a request was refused, or what would become of one')
    .option('--principal <arn>', 'user, role, session or root user, or anonymous')
    .option('--action <name>', 'e.g. s3:GetObject')
    .option('--resource <arn>', 'e.g. arn:aws:s3:::bucket/key')
    .option('--context <key=value...>', 'condition keys of the request')
    .option('--http', 'suppose that it comes over plain HTTP')
    .option('--json', 'print the answer as JSON')
    .action(async (requestId: string | undefined, flags) => {
      exitCode = await (await import('./explain.ts')).explainCommand(requestId, flags)
    })

  const policy = program.command('policy').description('ready-made bucket policies, and what a policy may get wrong')
  for (const [name, description, option] of READY_MADE) {
    const command = withConnection(policy.command(`${name} <bucket>`))
      .description(description)
      .option('--print', 'only print the document')
    if (option) command.option(option[0], option[1])
    command.action(async (bucket: string, flags) => {
      exitCode = await (await import('./policy.ts')).readyMadeCommand(name, bucket, flags)
    })
  }
  policy
    .command('lint <file>')
    .description('what a bucket policy that is valid may still get wrong; - reads standard input')
    .option('--bucket <name>', 'the bucket that it is for (default the one that it names)')
    .option('--json', 'print the warnings as JSON')
    .action(async (file: string, flags) => {
      exitCode = await (await import('./policy.ts')).lintCommand(file, flags)
    })

  const keys = program.command('keys').description('what objects are sealed with')
  withConnection(keys.command('rewrap <bucket>'))
    .description("move all of a bucket to another key or method; without options to the bucket's default encryption")
    .option('--to <key>', 'id, ARN or alias of a KMS key')
    .option('--method <name>', 'AES256, aws:kms or aws:kms:dsse (default aws:kms, where --to is given)')
    .option('--bucket-key', 'by an S3 Bucket Key, which needs few calls of the KMS')
    .option('--concurrency <n>', 'how many at once (default 8)')
    .option('--json', 'print the result as JSON')
    .action(async (bucket: string, flags) => {
      exitCode = await (await import('./rewrap.ts')).rewrapCommand(bucket, flags)
    })

  withDataFolder(keys.command('shred'))
    .description('rid the data folder of what deleted keys have left; the server must not be running')
    .action(async (flags) => {
      exitCode = await (await import('./shred.ts')).shredCommand(flags)
    })
  withConnection(keys.command('report <key>'))
    .description('what hangs on a KMS key: all that could never be read again without it')
    .option('--json', 'print it as JSON')
    .action(async (key: string, flags) => {
      exitCode = await (await import('./key-deletion.ts')).reportKeyCommand(key, flags)
    })
  withConnection(keys.command('delete <key>'))
    .description('tell what hangs on a KMS key, ask, and schedule its deletion')
    .option('--days <n>', 'waiting period, 7 to 30 (default 30)')
    .option('--yes', 'do not ask')
    .option('--json', 'print report and result as JSON')
    .action(async (key: string, flags) => {
      exitCode = await (await import('./key-deletion.ts')).deleteKeyCommand(key, flags)
    })
  withDataFolder(keys.command('rotate-root'))
    .description('seal everything at rest with a new store key, beside a running server or on a stopped folder')
    .option('--to <file>', 'move to the root key of this configuration file as well')
    .option('--end-sessions', 'do not keep the old version until all sessions have ended: end them')
    .action(async (flags) => {
      exitCode = await (await import('./rotate-root.ts')).rotateRootCommand(flags)
    })
  withDataFolder(keys.command('status'))
    .description('which versions of the store key there are, and who wraps them')
    .action(async (flags) => {
      exitCode = await (await import('./rotate-root.ts')).keysStatusCommand(flags)
    })

  const kms = program.command('kms').description('how much of the KMS is used')
  withConnection(kms.command('plan'))
    .description('calls of the KMS with and without S3 Bucket Keys, and when the quotas refuse some')
    .option('--puts <n>', 'objects under SSE-KMS that are written a second')
    .option('--gets <n>', 'and read')
    .option('--buckets <n>', 'in so many buckets (default 1)')
    .option('--requesters <n>', 'by so many users, roles and sessions (default 1)')
    .option('--workers <n>', 'on so many worker processes (default one per core)')
    .option('--read-age <time>', 'how old what is read is at most, such as 30m or 7d (default 1h)')
    .option('--keys-read <n>', 'under how many bucket keys what is read was written, if that is known')
    .option('--log <file...>', 'instead of all that: what the server’s request log tells; - reads standard input')
    .option('--growth-per-month <percent>', 'such as 10%')
    .option('--applied', 'against the quota that the account has at the server as well')
    .option('--json', 'print JSON; null is never')
    .action(async (flags) => {
      exitCode = await (await import('./kms-plan.ts')).planCommand(flags)
    })

  const audit = program.command('audit').description('what the audit trail knows, and whether it is whole')
  withTimes(withConnection(audit.command('key <key>')))
    .description('who used a KMS key: which callers, for which objects, when and from where; the newest first')
    .action(async (key: string, flags) => {
      exitCode = await (await import('./audit.ts')).auditKeyCommand(key, flags)
    })
  withTimes(withConnection(audit.command('events')))
    .description('events on objects, or of management; the newest first')
    .option('--bucket <name>', 'of this bucket')
    .option('--key <key>', 'of this object')
    .option('--prefix <prefix>', 'of objects whose keys begin so')
    .option('--caller <who>', 'by an ARN, a user’s name or an access key id')
    .option('--event <name>', 'e.g. GetObject')
    .option('--errors', 'only those that were refused or failed')
    .option('--management', 'events of management and of keys instead')
    .action(async (flags) => {
      exitCode = await (await import('./audit.ts')).auditEventsCommand(flags)
    })

  withDataFolder(audit.command('verify'))
    .description(
      'whether the trail in a data folder is as it was written, beside a running server too; with --trail, whether the ' +
        'log files that a trail of CloudTrail has delivered are as they were delivered',
    )
    .option('--trail <name>', 'name or ARN of a trail')
    .option('--folder <dir>', 'of --trail: downloaded files, in place of the bucket')
    .option('--public-keys <file>', 'of --trail: what aws cloudtrail list-public-keys printed, in place of asking')
    .option('--bucket <name>', 'of --trail, an ARN: the bucket, in place of asking')
    .option('--prefix <prefix>', 'of --bucket: the S3 key prefix of the trail')
    .option('--since <time>', 'of --trail: digests from then on')
    .option('--until <time>', 'of --trail: digests until then')
    .option('--verbose', 'of --trail: what is valid as well')
    .option('--endpoint <url>', 'of --trail: the server (default AWS_ENDPOINT_URL, else https://127.0.0.1:9443)')
    .option('--ca <file>', 'of --trail: authorities to trust, PEM')
    .option('--profile <name>', 'of --trail: profile of the shared credentials file')
    .action(async (flags) => {
      exitCode = flags.trail
        ? await (await import('./audit-verify.ts')).auditVerifyTrail(flags)
        : await (await import('./audit-chain.ts')).auditChainCommand(flags)
    })

  withDataFolder(audit.command('set-aside <journal>'))
    .description(
      'keep a damaged journal (management, data or access) as it is, and begin it anew; the server must not be running',
    )
    .action(async (journal: string, flags) => {
      exitCode = await (await import('./audit-set-aside.ts')).auditSetAsideCommand(journal, flags)
    })

  const quotas = program.command('quotas').description('requests for higher quotas, as the operator of the server')
  withConnection(quotas.command('list'))
    .description('requests that wait for an answer')
    .option('--all', 'those that were answered as well')
    .option('--json', 'print them as JSON')
    .action(async (flags) => {
      exitCode = await (await import('./quotas.ts')).listQuotaIncreases(flags)
    })
  for (const answer of ['approve', 'deny'] as const) {
    withConnection(quotas.command(`${answer} <id>`))
      .description(answer === 'approve' ? 'grant what is asked for, from now on' : 'leave the quota as it is')
      .option('--json', 'print the request as JSON')
      .action(async (id: string, flags) => {
        exitCode = await (await import('./quotas.ts')).answerQuotaIncrease(answer, id, flags)
      })
  }

  addCseCommands(program, (code) => {
    exitCode = code
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

const READY_MADE = [
  ['https-only', 'deny plain HTTP to everybody', undefined],
  ['require-kms', 'deny uploads under anything but SSE-KMS', ['--key <arn>', 'and under any other key than this one']],
  ['deny-sse-c', "deny uploads under customers' own keys", undefined],
  ['min-tls', 'deny plain HTTP and old versions of TLS', ['--version <n>', 'the oldest one allowed (default 1.3)']],
] as const satisfies readonly (readonly [ReadyMadeName, string, readonly [string, string] | undefined])[]

const withDataFolder = (command: Command) =>
  command
    .option('--data <dir>', 'the data folder (default ./strongroom-data)')
    .option('--secrets <dir>', 'the secrets folder (default DATA/secrets)')
    .option('--config <file>', 'the configuration file')
    .option('--json', 'print JSON')

const withTimes = (command: Command) =>
  command
    .option('--since <time>', 'e.g. 2026-01-31T10:00:00Z, or 30m, 12h, 7d ago')
    .option('--until <time>', 'likewise')
    .option('--limit <n>', 'at most so many (default 100)')
    .option('--json', 'print JSON')
