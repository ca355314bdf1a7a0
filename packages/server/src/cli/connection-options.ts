import type { Command } from 'commander'

/** The flags that `resolveConnection` reads. */
export const withConnection = (command: Command) =>
  command
    .option('--endpoint <url>', 'the server (default AWS_ENDPOINT_URL, else https://127.0.0.1:9443)')
    .option('--ca <file>', 'authorities to trust, PEM (default AWS_CA_BUNDLE, else DATA/tls/ca.pem)')
    .option('--profile <name>', 'profile of the shared credentials file')
    .option('--data <dir>', 'data folder of a server on this machine (default ./strongroom-data)')
