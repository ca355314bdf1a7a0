/** Several keyrings as one. */
import type { DataKey } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import { CONTENT_ALGORITHMS } from '../suites.ts'
import type { Keyring, WrappedDataKey, WrapRequest, Wraps } from './keyring.ts'

/** Who writes, and who reads besides. */
export interface MultiKeyringOptions {
  /** Makes the data keys of what is written. */
  readonly generator: Keyring
  /** Read too; in the sealed format, whose objects carry a wrap for each, they also wrap. */
  readonly children?: readonly Keyring[]
}

/**
 * Writes by the generator; reads by the first that opens, in the order given. A refusal of one, its KMS's included,
 * does not stop the next. Where none opens: EncryptionContextMismatch if one said so, else DataKeyNotOpened with all
 * refusals in an AggregateError as its cause.
 */
export function multiKeyring({ generator, children = [] }: MultiKeyringOptions): Keyring {
  const readers = [generator, ...children]

  async function wrapsOfChildren(dataKey: DataKey, request: WrapRequest): Promise<WrappedDataKey[]> {
    if (CONTENT_ALGORITHMS[request.contentAlgorithm].format !== 'sealed') return []
    return (await Promise.all(children.map((child) => child.wrap(dataKey, request)))).flat()
  }

  return {
    async generate(request) {
      const { dataKey, wraps } = await generator.generate(request)
      try {
        return { dataKey, wraps: [...wraps, ...(await wrapsOfChildren(dataKey, request))] }
      } catch (error) {
        dataKey.wipe()
        throw error
      }
    },

    async wrap(dataKey, request): Promise<Wraps> {
      return [...(await generator.wrap(dataKey, request)), ...(await wrapsOfChildren(dataKey, request))]
    },

    async unwrap(wrapped, request) {
      const refusals: unknown[] = []
      for (const reader of readers) {
        try {
          const dataKey = await reader.unwrap(wrapped, request)
          if (dataKey) return dataKey
        } catch (error) {
          refusals.push(error)
        }
      }
      if (refusals.length === 0) return undefined
      const isMismatch = (error: unknown) =>
        error instanceof EncryptionError && error.code === 'EncryptionContextMismatch'
      const mismatch = refusals.find(isMismatch)
      if (mismatch) throw mismatch
      const cause = new AggregateError(refusals, 'no keyring opens the wrap')
      throw new EncryptionError('DataKeyNotOpened', undefined, { cause })
    },
  }
}
