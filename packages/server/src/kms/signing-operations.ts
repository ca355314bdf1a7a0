/** The KMS operations that sign and verify, as rows. */
import { Fault } from '../core/fault.ts'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../keys/algorithms.ts'
import type { Kms } from '../keys/kms.ts'
import type { SignRequest } from '../keys/signing.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { takingTokens } from './grant-operations.ts'

const ALGORITHMS = Object.keys(SIGNING_ALGORITHMS) as SigningAlgorithm[]
/** AWS's for SM2 keys, in China. */
const ALGORITHMS_NOT_HERE = ['SM2DSA'] as const
const MESSAGE_TYPES = ['RAW', 'DIGEST', 'EXTERNAL_MU'] as const
const MAX_MESSAGE = 4096
const MAX_SIGNATURE = 6144

export const SIGNING_OPERATIONS = {
  Sign: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const request = readRequest(input)
      const { signature, keyArn } = await kms.signing.sign(call, request)
      return {
        KeyId: keyArn,
        Signature: Buffer.from(signature).toString('base64'),
        SigningAlgorithm: request.algorithm,
      }
    }),
  },
  Verify: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const request = readRequest(input)
      const { keyArn } = await kms.signing.verify(call, {
        ...request,
        signature: input.blob('Signature', MAX_SIGNATURE),
      })
      return { KeyId: keyArn, SignatureValid: true, SigningAlgorithm: request.algorithm }
    }),
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

/** Throws KmsUnsupported for what AWS has and this server has not. */
function readRequest(input: Input): SignRequest {
  const keyId = input.keyId()
  const message = input.blob('Message', MAX_MESSAGE)
  const messageType = input.choice('MessageType', MESSAGE_TYPES) ?? 'RAW'
  input.required('SigningAlgorithm')
  const algorithm = input.choice('SigningAlgorithm', [...ALGORITHMS, ...ALGORITHMS_NOT_HERE])!
  if (messageType === 'EXTERNAL_MU') throw notHere('MessageType', messageType)
  if (algorithm === 'SM2DSA') throw notHere('SigningAlgorithm', algorithm)
  return { keyId, message, messageType, algorithm, dryRun: input.flag('DryRun') }
}

const notHere = (member: string, value: string) =>
  new Fault('KmsUnsupported', { message: `${member} ${value} is not supported by this server.` })
