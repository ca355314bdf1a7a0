/**
 * What of a service's request and reply the audit trail may tell: everything but keys, plaintexts, ciphertexts and
 * credentials, in CloudTrail's spelling (names begin with a lower-case letter).
 *
 * The names are those of members that AWS's models mark as sensitive or whose values are bytes; audited-members.test.ts
 * holds them against the models.
 */

type Members = Readonly<Record<string, unknown>>

/** Null where nothing is left, as CloudTrail writes it. */
export function auditedMembers(members: Members): Members | null {
  const told = structure(members)
  return Object.keys(told).length === 0 ? null : told
}

function structure(members: Members): Record<string, unknown> {
  const told: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined || SECRET_MEMBERS.has(name)) continue
    told[name.slice(0, 1).toLowerCase() + name.slice(1)] = FREE_MEMBERS.has(name) ? value : toldOf(value)
  }
  return told
}

function toldOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toldOf)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return undefined
  if (value instanceof Map) return structure(Object.fromEntries(value))
  return typeof value === 'object' && value !== null ? structure(value as Members) : value
}

/** Maps whose names are the caller's own. */
const FREE_MEMBERS: ReadonlySet<string> = new Set([
  'EncryptionContext',
  'SourceEncryptionContext',
  'DestinationEncryptionContext',
  'EncryptionContextEquals',
  'EncryptionContextSubset',
])

export const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  // A form's own members; the operation is the event's name.
  'Action',
  'Version',
  // KMS
  'AttestationDocument',
  'CiphertextBlob',
  'CiphertextForRecipient',
  'EncryptedKeyMaterial',
  'GrantToken',
  'GrantTokens',
  'ImportToken',
  'KeyStorePassword',
  'Mac',
  'Message',
  'ParametersForImport',
  'Plaintext',
  'PrivateKeyCiphertextBlob',
  'PrivateKeyPlaintext',
  'PublicKey',
  'RawSecretAccessKey',
  'SharedSecret',
  'SharedSecretCiphertextBlob',
  'Signature',
  'XksProxyAuthenticationCredential',
  // IAM and STS
  'AddPrivateKey',
  'AuthenticationCode1',
  'AuthenticationCode2',
  'Base32StringSeed',
  'CertificateBody',
  'CertificateChain',
  'NewPassword',
  'OldPassword',
  'Password',
  'PrivateKey',
  'QRCodePNG',
  'SAMLAssertion',
  'SAMLMetadataDocument',
  'SSHPublicKeyBody',
  'SecretAccessKey',
  'ServicePassword',
  'ServiceCredentialSecret',
  'SessionToken',
  'TokenCode',
  'TradeInToken',
  'TrustedIdentityPropagationContext',
  'WebIdentityToken',
])
