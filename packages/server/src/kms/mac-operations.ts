/** The KMS operations with HMAC keys, as rows. */
import { MAC_ALGORITHMS, type MacAlgorithm } from '../keys/algorithms.ts'
import type { Kms } from '../keys/kms.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { takingTokens } from './grant-operations.ts'

const ALGORITHMS = Object.keys(MAC_ALGORITHMS) as MacAlgorithm[]
const MAX_MESSAGE = 4096
const MAX_MAC = 6144

export const MAC_OPERATIONS = {
  GenerateMac: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const request = readRequest(input)
      const { mac, keyArn } = await kms.macs.generate(call, request)
      return { Mac: Buffer.from(mac).toString('base64'), MacAlgorithm: request.algorithm, KeyId: keyArn }
    }),
  },
  VerifyMac: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const request = readRequest(input)
      const { keyArn } = await kms.macs.verify(call, { ...request, mac: input.blob('Mac', MAX_MAC) })
      return { MacValid: true, MacAlgorithm: request.algorithm, KeyId: keyArn }
    }),
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

function readRequest(input: Input) {
  const keyId = input.keyId()
  const message = input.blob('Message', MAX_MESSAGE)
  input.required('MacAlgorithm')
  return { keyId, message, algorithm: input.choice('MacAlgorithm', ALGORITHMS)!, dryRun: input.flag('DryRun') }
}
