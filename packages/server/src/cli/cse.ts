/** The commands of client-side encryption and their flags. */
import type { Command } from 'commander'
import { withConnection } from './connection-options.ts'
import { explained } from './cse-errors.ts'
import type { KeySource } from './cse-flags.ts'

/** `done` gets the exit code of the one that runs. */
export function addCseCommands(program: Command, done: (exitCode: number) => void): void {
  const run = async (command: Promise<number>) => {
    try {
      done(await command)
    } catch (error) {
      throw explained(error)
    }
  }
  const cse = program
    .command('cse')
    .description('client-side encryption: any S3 store gets ciphertext only, and the keys stay with you')

  cse
    .command('keygen')
    .description('make a wrapping key in a new file; of rsa the public half in FILE.pub as well')
    .requiredOption('--out <file>', 'where to; never overwrites')
    .option('--type <name>', 'aes, or rsa', 'aes')
    .action((flags) => run(import('./cse-keygen.ts').then(({ keygenCommand }) => keygenCommand(flags))))

  withWriting(withKeys(withStore(cse.command('put <file> <s3-url>'))))
    .description('encrypt and store a file; - reads standard input, of any length')
    .option('--content-type <type>', 'of the plaintext')
    .option('--metadata <name=value>', 'user metadata, in clear; again for more', collect)
    .action((file: string, url: string, flags) =>
      run(import('./cse-put.ts').then(({ putCommand }) => putCommand(file, url, flags))),
    )

  withReading(withKeys(withStore(cse.command('get <s3-url> <file>'))))
    .description(
      'fetch and decrypt into a file, which is whole or absent; - writes to standard output what has authenticated, and only ' +
        'exit code 0 says that it was all',
    )
    .action((url: string, file: string, flags) =>
      run(import('./cse-get.ts').then(({ getCommand }) => getCommand(url, file, flags))),
    )

  withReading(withStore(cse.command('inspect <s3-url>')))
    .description('how an object is encrypted, for whom, and whether a policy would read it; needs no key')
    .option('--json', 'print it as JSON')
    .action((url: string, flags) =>
      run(import('./cse-inspect.ts').then(({ inspectCommand }) => inspectCommand(url, flags))),
    )

  withKeys(withReading(withKeys(withStore(cse.command('rewrap <s3-url>')))), 'to-', 'newKeys')
    .description('another wrapping key for an object; its body stays where and as it is')
    .option('--recursive', 'all objects whose keys begin so; passes over what the new key wraps already')
    .option('--concurrency <n>', 'how many at once (default 8)')
    .option('--json', 'print the result as JSON')
    .action((url: string, flags) =>
      run(import('./cse-rewrap.ts').then(({ cseRewrapCommand }) => cseRewrapCommand(url, flags))),
    )

  withWriting(withKeys(withStore(cse.command('migrate <s3-url>'))))
    .description(
      'encrypt all plain objects of a bucket, or under a prefix, in their places; older versions stay in clear',
    )
    .option('--state <file>', 'where to keep how far it is, and what failed; the same command goes on there')
    .option('--dry-run', 'change nothing; needs no key')
    .option('--concurrency <n>', 'how many at once (default 8)')
    .option('--json', 'print the result as JSON')
    .action((url: string, flags) =>
      run(import('./cse-migrate.ts').then(({ migrateCommand }) => migrateCommand(url, flags))),
    )
}

const collect = (value: string, earlier: readonly string[] = []) => [...earlier, value]

const withStore = (command: Command) =>
  withConnection(command)
    .option('--path-style', 'the bucket in the path, also where the endpoint is neither an address nor localhost')
    .option('--kms-endpoint <url>', 'the KMS of --kms (default AWS_ENDPOINT_URL_KMS, else the server)')
    .option('--quiet', 'nothing on standard error but what went wrong')

/** Their order among each other counts, which commander does not keep, so they also go into one list, `attribute`. */
function withKeys(command: Command, prefix = '', attribute = 'keys'): Command {
  const which = prefix === '' ? '' : 'the new key: '
  const rows: readonly (readonly [flags: string, kind: KeySource['kind'], description: string])[] = [
    [`--${prefix}key <file>`, 'file', 'a key of keygen’s, or an RSA key as PEM'],
    [`--${prefix}kms <key-id>`, 'kms', 'id, ARN or alias of a KMS key'],
    [`--${prefix}passphrase-file <file>`, 'passphrase-file', 'a passphrase, from a file'],
    [`--${prefix}passphrase`, 'passphrase', 'a passphrase, asked for on the terminal'],
  ]
  for (const [flags, kind, description] of rows) {
    command.option(flags, `${which}${description}`)
    command.on(`option:${flags.split(' ')[0]!.slice(2)}`, (value: string | null) => {
      const earlier = (command.getOptionValue(attribute) ?? []) as readonly KeySource[]
      command.setOptionValue(attribute, [...earlier, { kind, value: value ?? '' }])
    })
  }
  return prefix === ''
    ? command
        .addHelpText('after', '\nOf several keys the first writes and all read; in the sealed format all write.')
        .option('--context <name=value>', 'encryption context, bound to the object; again for more', collect)
    : command
}

const withWriting = (command: Command) =>
  withPolicy(command)
    .option('--format <name>', 's3-encryption-client (default), or sealed: ranges, and no limit of size')
    .option('--instruction-file', 'the wrapped key into an object of its own, KEY.instruction')

const withReading = (command: Command) =>
  withPolicy(command)
    .option('--legacy-wrapping', 'read old ways of wrapping keys as well')
    .option('--legacy-unauthenticated', 'read AES-CBC as well, which nothing authenticates')

const withPolicy = (command: Command) =>
  command
    .option(
      '--commitment-policy <name>',
      'REQUIRE_ENCRYPT_REQUIRE_DECRYPT (default), REQUIRE_ENCRYPT_ALLOW_DECRYPT or FORBID_ENCRYPT_ALLOW_DECRYPT',
    )
    .option('--instruction-file-suffix <text>', 'of instruction files that are read (default .instruction)')
