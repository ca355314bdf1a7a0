/** Every target, in the order in which they are explored. */
import type { Target } from '../target.ts'
import { awsChunked } from './aws-chunked.ts'
import { envelope, metadataTextTarget } from './envelope.ts'
import { postForm, postPolicy } from './form.ts'
import { journal, journalFrames } from './journal.ts'
import { policy } from './policy.ts'
import { awsJsonTarget, cbor, query } from './protocols.ts'
import { copySource, headers, httpDate, range, target } from './s3-request.ts'
import { sealed } from './sealed.ts'
import { signature } from './signature.ts'
import { xml } from './xml.ts'

export const TARGETS: readonly Target[] = [
  ...[xml, awsChunked, signature, target, headers, range, httpDate, copySource, postPolicy, postForm],
  ...[awsJsonTarget, query, cbor, policy],
  ...[sealed, journalFrames, journal, envelope, metadataTextTarget],
]
