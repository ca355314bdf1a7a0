/** What is measured, as rows: subjects (the server by each method, and the yardsticks), operations, sizes, clients. */

const KiB = 1024
const MiB = 1024 * KiB

export const SIZES = [
  { name: '4 KiB', bytes: 4 * KiB },
  { name: '1 MiB', bytes: MiB },
  { name: '64 MiB', bytes: 64 * MiB },
]
export const CLIENTS = [1, 16]

/** The server: how an object is asked to be sealed, and by which transports it may be. */
export const METHODS = [
  { name: 'AES256', transports: ['http', 'https'] },
  { name: 'aws:kms', transports: ['https'] },
  { name: 'SSE-C', transports: ['https'] },
]

/** Bare node:http(s) servers of as many processes: what the machine gives without Strongroom. */
export const YARDSTICKS = [
  { name: 'discarder', operation: 'PUT' },
  { name: 'writer', operation: 'PUT' },
  { name: 'durable writer', operation: 'PUT' },
  { name: 'sender', operation: 'GET' },
]

/** The ratios that we want, over the same transport. */
export const TARGETS = [
  { operation: 'GET', size: '64 MiB', clients: 1, subject: 'AES256', yardstick: 'sender', atLeast: 0.45 },
  { operation: 'GET', size: '64 MiB', clients: 16, subject: 'AES256', yardstick: 'sender', atLeast: 0.45 },
  { operation: 'PUT', size: '64 MiB', clients: 1, subject: 'aws:kms', yardstick: 'writer', atLeast: 0.4 },
  { operation: 'PUT', size: '64 MiB', clients: 16, subject: 'aws:kms', yardstick: 'writer', atLeast: 0.4 },
  { operation: 'PUT', size: '64 MiB', clients: 1, subject: 'AES256', yardstick: 'writer', atLeast: 0.35 },
  { operation: 'PUT', size: '64 MiB', clients: 16, subject: 'AES256', yardstick: 'writer', atLeast: 0.35 },
  { operation: 'GET', size: '4 KiB', clients: 1, subject: 'AES256', yardstick: 'sender', atLeast: 0.2 },
  { operation: 'GET', size: '4 KiB', clients: 16, subject: 'AES256', yardstick: 'sender', atLeast: 0.2 },
  { operation: 'PUT', size: '4 KiB', clients: 16, subject: 'AES256', yardstick: 'discarder', atLeast: 0.12 },
]

/** Every cell: one subject doing one operation at one size with some clients over one transport. */
export function cells() {
  const subjects = [
    ...METHODS.flatMap(({ name, transports }) =>
      transports.flatMap((transport) =>
        ['PUT', 'GET'].map((operation) => ({ subject: name, transport, operation, isYardstick: false })),
      ),
    ),
    ...YARDSTICKS.flatMap(({ name, operation }) =>
      ['http', 'https'].map((transport) => ({ subject: name, transport, operation, isYardstick: true })),
    ),
  ]
  return SIZES.flatMap((size) =>
    CLIENTS.flatMap((clients) =>
      subjects.map((subject) => ({ ...subject, size: size.name, bytes: size.bytes, clients })),
    ),
  )
}
