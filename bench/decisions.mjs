/**
 * How long one access decision takes, the policies being compiled: statements about other things, about this one with
 * conditions that do not hold, and one that allows. Measured in this process; the median of many batches.
 */
import { join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

const STATEMENTS = [1, 10, 100]
const BATCHES = 200
const PER_BATCH = 200
/** One decision on 100 statements is wanted in less than this, in microseconds. */
const AT_MOST = { statements: 100, microseconds: 20 }

export async function decisions() {
  const server = join(root, 'packages/server/dist')
  const { authorize } = await import(join(server, 'policy/authorize.js'))
  const { readPolicy } = await import(join(server, 'policy/document.js'))
  return STATEMENTS.map((statements) => {
    const resourcePolicy = readPolicy(documentOf(statements), 'resource', 'bench')
    const access = {
      action: 's3:GetObject',
      resource: 'arn:aws:s3:::bucket/folder/key',
      resourceAccount: '111111111111',
      resourcePolicy,
    }
    const decide = () => {
      if (!authorize(CALL, access).allowed) throw new Error('the benchmark asks for what is not allowed')
    }
    const microseconds = Math.round(medianOf(decide) * 10) / 10
    return { statements, microseconds, ...(statements === AT_MOST.statements && { atMost: AT_MOST.microseconds }) }
  })
}

export function decisionsTable(rows) {
  const lines = rows.map(({ statements, microseconds, atMost }) => {
    const mark =
      atMost === undefined ? '' : microseconds <= atMost ? `  ok (wanted ${atMost})` : `  MISS (wanted ${atMost})`
    return `  one access decision on ${String(statements).padStart(3)} statements ${String(microseconds).padStart(6)} µs${mark}`
  })
  return `Decisions:\n${lines.join('\n')}\n`
}

/** As buckets have it: many grants on other prefixes, several on this one for other callers, one Deny on plain HTTP. */
function documentOf(count) {
  const about = (i) => ({
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::111111111111:user/${i}` },
    Action: ['s3:GetObject', 's3:ListBucket'],
    Resource: i % 2 === 0 ? 'arn:aws:s3:::bucket/folder/*' : `arn:aws:s3:::bucket/other-${i}/*`,
    Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' }, StringLike: { 'aws:UserAgent': '*agent*' } },
  })
  const allow = { ...about(0), Principal: { AWS: '111111111111' }, Condition: undefined }
  const denyHttp = {
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: '*',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
  const Statement = [allow, denyHttp, ...Array.from({ length: 98 }, (_, i) => about(i))].slice(0, count)
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

const ARN = 'arn:aws:iam::111111111111:root'
const CALL = {
  principal: {
    accountId: '111111111111',
    arn: ARN,
    principalId: '111111111111',
    principalType: 'Root',
    named: { kind: 'Account', accountId: '111111111111', arn: ARN },
    permissions: { identity: [], boundary: undefined, session: undefined },
    tags: {},
  },
  atMs: 1_700_000_000_000,
  sourceIp: '127.0.0.1',
  userAgent: 'bench',
  secureTransport: true,
  region: 'us-east-1',
}

function medianOf(run) {
  const times = Array.from({ length: BATCHES }, () => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < PER_BATCH; i++) run()
    return Number(process.hrtime.bigint() - start) / 1e3 / PER_BATCH
  })
  return times.toSorted((a, b) => a - b)[BATCHES / 2]
}

if (process.argv[1] === import.meta.filename) process.stdout.write(decisionsTable(await decisions()))
