/** Access keys. */
import { createAccessKey, deleteAccessKey, listAccessKeys, updateAccessKey } from '../../identity/access-keys.ts'
import { ServiceError } from '../../protocols/service-error.ts'
import type { IamOperations } from '../operation.ts'
import { page } from '../page.ts'
import { accessKeyId, missing, userNameOrOwn } from '../read-input.ts'
import { accessKeyShape } from '../shapes.ts'
import { userOfAccessKey, userOrOwn } from '../targets.ts'

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
      if (status === undefined) throw missing(input, 'status')
      const given = { accessKeyId: accessKeyId(input), status }
      await updateAccessKey(store, call.principal.accountId, userNameOrOwn(input, call), given)
      return {}
    },
  },
  DeleteAccessKey: {
    readOnly: false,
    on: userOrOwn,
    async run({ store }, call, input) {
      await deleteAccessKey(store, call.principal.accountId, userNameOrOwn(input, call), accessKeyId(input))
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
      const id = accessKeyId(input)
      const key = await store.accessKey(id)
      if (key?.accountId !== principal.accountId) {
        const message = `User: ${principal.arn} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key ${id}`
        throw new ServiceError('AccessDenied', message, 403)
      }
      return { UserName: key.userName, AccessKeyLastUsed: { ServiceName: 'N/A', Region: 'N/A' } }
    },
  },
}
