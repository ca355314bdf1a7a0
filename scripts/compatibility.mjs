/** Writes docs/compatibility.md from the operation rows; `--check` fails where the page is stale. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './prepare.mjs'

const { operations } = await import(join(root, 'packages/server/dist/s3/operations/index.js'))
const { KMS_OPERATIONS } = await import(join(root, 'packages/server/dist/kms/operations.js'))
const { STS_OPERATIONS } = await import(join(root, 'packages/server/dist/sts/operations.js'))
const { CLOUDTRAIL_OPERATIONS } = await import(join(root, 'packages/server/dist/cloudtrail/operations.js'))
const { SERVICE_QUOTAS_OPERATIONS } = await import(join(root, 'packages/server/dist/servicequotas/operations.js'))
const { CLOUDWATCH_OPERATIONS } = await import(join(root, 'packages/server/dist/cloudwatch/operations.js'))
const { IAM_OPERATIONS } = await import(join(root, 'packages/server/dist/iam/operations.js'))

const table = (rows) =>
  [
    '| Operation | |',
    '|---|---|',
    ...rows.map(([name, works, limits = 'works']) => `| ${name} | ${works ? limits : 'refused by name'} |`),
  ].join('\n')
const byName = (rows) =>
  [...new Map(rows.map((row) => [row[0], row])).values()].sort(
    ([a, x], [b, y]) => Number(y) - Number(x) || a.localeCompare(b, 'en'),
  )

const page = `# Compatibility

Made from the operation rows by \`scripts/compatibility.mjs\`. What is refused answers \`501 NotImplemented\` (S3) or
\`UnsupportedOperationException\` (the others) with its name; a sub-resource never falls through to the plain operation.

## S3

${table(byName(operations.map((row) => [row.name, row.run !== undefined, row.limits])))}

A bucket key is kept for five minutes, for one requester and context, in each worker process; the caller's own encryption
context goes along with the bucket's ARN. UpdateObjectEncryption goes to SSE-KMS only, as AWS's does; with the header
\`x-strongroom-any-encryption: true\` also to SSE-S3 (\`<SSE-S3/>\`) and to and from DSSE-KMS. Object keys with a NUL character are refused.

There are no access points: a metrics filter by \`AccessPointArn\` is refused. Metrics filters by tags see the tags that an object
has after the request, and before it where that is a DELETE. Access logs: see [access-logs.md](access-logs.md).

What no bucket and no object has here is answered as S3 answers where nobody has configured it, so that tools which ask for everything
go on. A bucket's tags decide on access (\`aws:ResourceTag\`) as they do on S3 with ABAC switched on, though GetBucketAbac answers
\`Disabled\`. GetObjectAttributes lists parts one by one where they have checksums of their own, else it counts them, as S3 does.

ListTagsForResource, TagResource and UntagResource are S3 Control's, for the ARNs of buckets alone; of S3 Control there is nothing
else. Its clients put the account's id before the host, so that name has to lead here too.

OptionsObject is the preflight of browsers, \`OPTIONS /bucket/key\`, which nobody signs. Replies that a rule of the bucket's CORS
configuration fits carry its headers, errors too. A preflight that asks for more than 200 headers is refused.

Object Lock holds for every caller, root users included; a year is 365 days. There are no event holds: their headers and elements
are refused. UpdateObjectEncryption leaves locked versions as they are, as AWS's does; with \`x-strongroom-any-encryption: true\`, and
so by \`strongroom keys rewrap\`, it wraps them anew as well, for what is kept is the plaintext. Deleting a KMS key makes locked
versions unreadable too: \`strongroom keys report\` and \`keys delete\` name those under a key.

## KMS

Symmetric keys (\`SYMMETRIC_DEFAULT\`), HMAC keys (\`HMAC_224\` to \`HMAC_512\`) and asymmetric ones: RSA, the NIST curves,
\`ECC_SECG_P256K1\` and \`ECC_NIST_EDWARDS25519\`; \`ML_DSA_44\`, \`ML_DSA_65\` and \`ML_DSA_87\` where Node.js offers ML-DSA
(24.6 or newer), without \`MessageType: EXTERNAL_MU\`. There is no \`SM2\`, and no \`ML_KEM_…\` data key pair.

One server answers the KMS in its own region and in those of \`kms: { regions: [...] }\`; S3 is in one. Replicas of multi-Region
keys are ready at once, without the states \`Creating\` and \`Updating\`.

GetKeyLastUsage knows uses by all processes at once; it names no CloudTrail event. Uses are written down once a minute and at an
orderly end.

Key material is made here or imported (Origin \`EXTERNAL\`). A disabled key that gets its own material again stays disabled. The
bytes of deleted and expired material leave the key's record; what was once committed may stay in free pages of the catalog's
file, sealed, until they are written again.

${table(byName(Object.entries(KMS_OPERATIONS).map(([name, row]) => [name, row.run !== undefined])))}

## CloudTrail

Trails that deliver log files and digests, see [audit.md](audit.md). Events are those of this server: of S3, the KMS, IAM, STS and
CloudTrail itself. A trail is in one of the regions of the KMS; its bucket is in this server or, by configuration, in another S3.
There is no CloudTrail Lake, no Insights, no SNS topic, no CloudWatch Logs group and no organization.

${table(byName(Object.entries(CLOUDTRAIL_OPERATIONS).map(([name, row]) => [name, row.run !== undefined])))}

## Service Quotas

Quotas of the KMS's requests, keys, aliases and grants and of S3's buckets, see [quotas.md](quotas.md). There is no organization and
no support case.

${table(byName(Object.entries(SERVICE_QUOTAS_OPERATIONS).map(([name, row]) => [name, row.run !== undefined])))}

## CloudWatch

Metrics, alarms on one metric or on metric math, dashboards; by JSON, CBOR and query requests, see [cloudwatch.md](cloudwatch.md). Tags
are of alarms only.

${table(byName(Object.entries(CLOUDWATCH_OPERATIONS).map(([name, row]) => [name, row.run !== undefined])))}

## STS

${table(byName(Object.entries(STS_OPERATIONS).map(([name, row]) => [name, row.run !== undefined])))}

Temporary credentials are not stored: a session ends at its time, or with its role or user. There are no MFA devices. An
OpenID Connect provider is asked for its keys at its own host only, with a certificate of a known authority or of
\`oidc.caFile\`; thumbprints are kept and not looked at. Session tags come by \`Tags\`, not from a web identity's token.

## IAM

Use of access keys and roles is not recorded, so \`GetAccessKeyLastUsed\` answers \`N/A\`. Matched statements of a simulation
have no positions. AWS's managed policies are those that make sense
here, reduced to the services of this server.

${table(byName(Object.entries(IAM_OPERATIONS).map(([name, row]) => [name, row.run !== undefined])))}
`

const path = join(root, 'docs/compatibility.md')
if (process.argv.includes('--check')) {
  let current = ''
  try {
    current = readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  if (current !== page) {
    console.error('docs/compatibility.md is stale: run node scripts/compatibility.mjs')
    process.exit(1)
  }
  console.log('docs/compatibility.md is true')
} else writeFileSync(path, page)
