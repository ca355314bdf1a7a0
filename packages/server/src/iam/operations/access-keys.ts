/** Access keys. */
import { createAccessKey, deleteAccessKey, listAccessKeys, updateAccessKey } from '../../identity/access-keys.ts'
import type { Input } from '../../protocols/input.ts'
import { ServiceError } from '../../protocols/service-error.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { userNameOrOwn } from '../read-input.ts'
import { accessKeyShape } from '../shapes.ts'
import { userOfAccessKey, userOrOwn } from '../targets.ts'

const accessKeyIdOf = (input: Input) => input.matching('AccessKeyId', '[\\w]+', 128)

export const ACCESS_KEY_OPERATIONS: IamOperations = {
  CreateAccessKey: {
    readOnly: false,
    on: userOrOwn,
    async run({ store, clock }, call, input) {
      const { accountId } = call.principal
      const key = await createAccessKey(store, accountId, userNameOrOwn(input, call), clock.nowMs())
      return { AccessKey: { ...accessKeyShape(key), SecretAccessKey: key.secretAccessKey } }
    },
  },
  UpdateAccessKey: {
    readOnly: false,
    on: userOrOwn,
    async run({ store }, call, input) {
      const status = input.choice('Status', ['Active', 'Inactive'] as const)
      const given = { accessKeyId: accessKeyIdOf(input), status: status ?? missing(input, 'status') }
      await updateAccessKey(store, call.principal.accountId, userNameOrOwn(input, call), given)
      return {}
    },
  },
  DeleteAccessKey: {
    readOnly: false,
    on: userOrOwn,
    async run({ store }, call, input) {
      await deleteAccessKey(store, call.principal.accountId, userNameOrOwn(input, call), accessKeyIdOf(input))
      return {}
    },
  },
  ListAccessKeys: {
    readOnly: true,
    on: userOrOwn,
    async run({ store }, call, input) {
      const keys = await listAccessKeys(store, call.principal.accountId, userNameOrOwn(input, call))
      const { items, truncation } = page(input, keys, ({ accessKeyId }) => accessKeyId)
      return { AccessKeyMetadata: items.map(accessKeyShape), ...truncation }
    },
  },
  /** Use is not recorded; the request log tells it. */
  GetAccessKeyLastUsed: {
    readOnly: true,
    on: userOfAccessKey,
    async run({ store }, { principal }, input) {
      const accessKeyId = accessKeyIdOf(input)
      const key = await store.accessKey(accessKeyId)
      if (key?.accountId !== principal.accountId) {
        const message = `User: ${principal.arn} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key ${accessKeyId}`
        throw new ServiceError('AccessDenied', message, 403)
      }
      return { UserName: key.userName, AccessKeyLastUsed: { ServiceName: 'N/A', Region: 'N/A' } }
    },
  },
}

function missing(input: Input, member: string): never {
  throw input.invalid(
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  )
}
