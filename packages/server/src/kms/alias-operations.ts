/** The KMS operations on aliases, as rows. */
import type { Kms } from '../keys/kms.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { readMarker, truncation } from './paging.ts'

export const ALIAS_OPERATIONS = {
  CreateAlias: {
    readOnly: false,
    run: (kms, call, input) =>
      kms.aliases.createAlias(call, input.text('AliasName', 256), input.keyId('TargetKeyId')).then(() => ({})),
  },
  UpdateAlias: {
    readOnly: false,
    run: (kms, call, input) =>
      kms.aliases.updateAlias(call, input.text('AliasName', 256), input.keyId('TargetKeyId')).then(() => ({})),
  },
  DeleteAlias: {
    readOnly: false,
    run: (kms, call, input) => kms.aliases.deleteAlias(call, input.text('AliasName', 256)).then(() => ({})),
  },
  ListAliases: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? 50
      const found = await kms.aliases.listAliases(
        call,
        readMarker(input),
        limit + 1,
        input.optionalText('KeyId', 2048, 1),
      )
      const page = found.slice(0, limit)
      return {
        Aliases: page.map(({ alias, arn, keyId, createdAtMs, updatedAtMs }) => ({
          AliasName: alias,
          AliasArn: arn,
          TargetKeyId: keyId,
          CreationDate: createdAtMs / 1000,
          LastUpdatedDate: updatedAtMs / 1000,
        })),
        ...truncation(found.length > limit, page.at(-1)?.alias),
      }
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>
