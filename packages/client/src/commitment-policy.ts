/** What may be written and read: commitment policies and the switches for old objects. Pure. */
import type { EnvelopeFormat } from './envelope/envelope.ts'
import { EncryptionError } from './errors.ts'
import { CONTENT_ALGORITHMS, type ContentAlgorithm, WRAP_ALGORITHMS, type WrapAlgorithm } from './suites.ts'

/** By the names that the S3 Encryption Clients of other languages use. All read what commits to its key. */
export type CommitmentPolicy = keyof typeof COMMITMENT_POLICIES

export const COMMITMENT_POLICIES = {
  /** The default. */
  REQUIRE_ENCRYPT_REQUIRE_DECRYPT: { writesCommitting: true, readsNonCommitting: false },
  /** Reads formats V1 and V2 as well. */
  REQUIRE_ENCRYPT_ALLOW_DECRYPT: { writesCommitting: true, readsNonCommitting: true },
  /** Writes format V2, for readers that know no other. */
  FORBID_ENCRYPT_ALLOW_DECRYPT: { writesCommitting: false, readsNonCommitting: true },
} as const

/** Switches for reading old objects; all off unless set. */
export interface LegacySwitches {
  /** Data keys wrapped by `kms` without the content algorithm (Amazon SES writes it), AESWrap, and format V1's AES. */
  readonly enableLegacyWrappingAlgorithms?: boolean
  /** AES-CBC bodies, which nothing authenticates, and `getObjectRangeUnauthenticated`. */
  readonly enableLegacyUnauthenticatedModes?: boolean
}

/** A policy and the switches beside it. */
export interface ReadingRules extends LegacySwitches {
  /** What must commit to its key. */
  readonly commitmentPolicy: CommitmentPolicy
}

/** What the rules look at: an envelope has it, and what `headObject` tells of one has it under other names. */
export interface PolicySubject {
  /** For the words of a refusal. */
  readonly format: EnvelopeFormat
  /** Whether it commits to its key and authenticates. */
  readonly contentAlgorithm: ContentAlgorithm
  /** Whether any wrap is a legacy one. */
  readonly wrapped: readonly { readonly algorithm: WrapAlgorithm }[]
}

/** What S3 Encryption Client objects are written with under a policy. */
export const contentAlgorithmToWrite = (policy: CommitmentPolicy): ContentAlgorithm =>
  COMMITMENT_POLICIES[policy].writesCommitting ? '115' : 'AES/GCM/NoPadding'

/**
 * Throws EncryptionError where an object may not be read: CommitmentPolicyForbids, UnauthenticatedModesDisabled,
 * LegacyWrappingDisabled. Needs no key; readers ask it before anything is unwrapped.
 */
export function requireReadable(object: PolicySubject, rules: ReadingRules): void {
  const content = CONTENT_ALGORITHMS[object.contentAlgorithm]
  if (!content.commits && !COMMITMENT_POLICIES[rules.commitmentPolicy].readsNonCommitting)
    throw new EncryptionError('CommitmentPolicyForbids', `format ${object.format} under ${rules.commitmentPolicy}`)
  if (!content.authenticates && !rules.enableLegacyUnauthenticatedModes)
    throw new EncryptionError('UnauthenticatedModesDisabled', object.contentAlgorithm)
  for (const { algorithm } of object.wrapped)
    if (WRAP_ALGORITHMS[algorithm].legacy && !rules.enableLegacyWrappingAlgorithms)
      throw new EncryptionError('LegacyWrappingDisabled', algorithm)
}
