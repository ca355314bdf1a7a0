/** `strongroom keys rotate-root` and `keys status`: the ring of the store key, beside a running server or on a stopped data folder. */
import { isAbsolute, resolve } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { readRing, sealingOf } from '../root-key/ring-file.ts'
import { type RootKeySettings, readConfigFile } from './config-file.ts'
import { askServer, type ControlAnswer } from './control.ts'
import { dataFolder, lockDataFolder } from './data-folder.ts'
import { ConfigurationError, EXIT, UsageError } from './exit.ts'
import { ProgressBar } from './progress-bar.ts'
import { providerToMoveTo, requireRing } from './root-key.ts'
import { RootKeyRotation, type RotationEnd } from './root-key-rotation.ts'
import { resolveSettings, type Settings } from './settings.ts'
import { openForUpkeep } from './store.ts'

export interface KeysFlags {
  readonly data?: string
  readonly secrets?: string
  readonly config?: string
  readonly json?: boolean
}

export interface RotateFlags extends KeysFlags {
  /** A configuration file whose `rootKey` says who keeps the root key from now on. */
  readonly to?: string
  readonly endSessions?: boolean
}

export async function rotateRootCommand({ to, endSessions = false, json = false, ...flags }: RotateFlags) {
  const settings = await resolveSettings(flags, process.env)
  const moveTo = to === undefined ? undefined : absolute((await readConfigFile(to)).rootKey)
  const bar = new ProgressBar('sealing anew')
  const say = (answer: ControlAnswer) => {
    if (json) process.stdout.write(`${JSON.stringify(answer)}\n`)
    else if (answer.event === 'progress') bar.show(answer.done, answer.total)
  }
  let end: RotationEnd | undefined
  const answers = await askServer(settings.dataDir, { command: 'rotate-root', to: moveTo, endSessions })
  if (answers) {
    for await (const answer of answers) {
      say(answer)
      if (answer.event === 'end') end = answer.end
      if (answer.event === 'failed') throw new Error(answer.message)
    }
    if (!end) throw new Error('the server ended before the rotation did; it goes on when it is started again')
  } else {
    end = await rotateStopped(settings, moveTo, endSessions, say)
    say({ event: 'end', end })
  }
  if (!json) {
    bar.end()
    process.stdout.write(`${describe(end)}\n`)
    if (to !== undefined) process.stdout.write(`From the next start on the root key must be configured as in ${to}.\n`)
  }
  return end.state === 'damaged' ? EXIT.failed : EXIT.done
}

export async function keysStatusCommand({ json = false, ...flags }: KeysFlags): Promise<number> {
  const { dataDir } = await resolveSettings(flags, process.env)
  const ring = await readRing(dataDir)
  if (!ring) throw new ConfigurationError(`${dataDir} has no key ring yet`)
  const seals = sealingOf(ring).version
  const versions = ring.versions.map(({ version, createdAtMs }) => ({
    version,
    created: new Date(createdAtMs).toISOString(),
    state: version === seals ? 'seals' : version > seals ? 'coming' : 'opens',
  }))
  if (json) process.stdout.write(`${JSON.stringify({ wrappedBy: ring.wrappedBy, versions })}\n`)
  else {
    process.stdout.write(`wrapped by ${ring.wrappedBy}\n`)
    for (const { version, created, state } of versions) {
      process.stdout.write(`version ${version}  made ${created}  ${state}\n`)
    }
  }
  return EXIT.done
}

async function rotateStopped(
  settings: Settings,
  moveTo: RootKeySettings | undefined,
  endSessions: boolean,
  say: (answer: ControlAnswer) => void,
): Promise<RotationEnd> {
  const unlock = await lockDataFolder(dataFolder(settings.dataDir))
  try {
    const to = moveTo && providerToMoveTo(moveTo, process.env)
    const ring = await requireRing(settings, process.env)
    const store = await openForUpkeep(settings, ring)
    try {
      const rotation = new RootKeyRotation({
        ring,
        records: store.records,
        rewraps: store.rewraps,
        clock: systemClock,
        spread: async (storeKey) => store.storeKey.update(storeKey),
      })
      return await rotation.start({ to, endSessions }, (progress) => say({ event: 'progress', ...progress }))
    } finally {
      await store.close()
    }
  } finally {
    await unlock()
  }
}

function describe(end: RotationEnd): string {
  const sealed = `Everything is sealed with version ${end.version} of the store key`
  switch (end.state) {
    case 'done':
      return `${sealed}; older versions are gone.`
    case 'waiting': {
      const until = new Date(end.untilMs).toISOString()
      return `${sealed}. The old version is kept until ${until}, when the last session that it sealed has ended; the server then removes it by itself.`
    }
    case 'damaged':
      return [
        `The old version of the store key is kept: ${end.places.length} records do not open, and cannot be sealed anew:`,
        ...end.places.map((place) => `  ${place}`),
      ].join('\n')
  }
}

/** Paths mean the same to the server as to whoever asks. Throws UsageError where they name no place. */
function absolute(settings: RootKeySettings): RootKeySettings {
  const path = (text: string | undefined) => (text === undefined || isAbsolute(text) ? text : resolve(text))
  const { file, passphraseFile, pkcs11, awsKms, vaultTransit } = settings
  if (![file, passphraseFile, settings.variable, pkcs11, awsKms, vaultTransit].some((kind) => kind !== undefined)) {
    throw new UsageError('--to takes a configuration file whose rootKey says who keeps the root key from now on')
  }
  return {
    ...settings,
    file: path(file),
    passphraseFile: path(passphraseFile),
    pkcs11: pkcs11 && { ...pkcs11, pinFile: path(pkcs11.pinFile) },
    awsKms: awsKms && { ...awsKms, caFile: path(awsKms.caFile), credentialsFile: path(awsKms.credentialsFile) },
    vaultTransit: vaultTransit && {
      ...vaultTransit,
      caFile: path(vaultTransit.caFile),
      tokenFile: path(vaultTransit.tokenFile),
    },
  }
}
