import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AccessLogFacts, accessLogLine, withoutSecrets } from './access-log-line.ts'

const OWNER = '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be'

const facts = (more: Partial<AccessLogFacts> = {}): AccessLogFacts => ({
  bucketOwnerCanonicalId: OWNER,
  bucket: 'amzn-s3-demo-bucket1',
  atMs: Date.UTC(2019, 1, 6, 0, 0, 38),
  remoteIp: '192.0.2.3',
  requester: OWNER,
  requestId: '3E57427F3EXAMPLE',
  operation: 'REST.GET.VERSIONING',
  objectKey: undefined,
  request: { method: 'GET', url: '/amzn-s3-demo-bucket1?versioning', httpVersion: '1.1' },
  status: 200,
  errorCode: undefined,
  bytesSent: 113,
  objectSize: undefined,
  totalMs: 7,
  turnAroundMs: undefined,
  referer: undefined,
  userAgent: 'S3Console/0.4',
  versionId: undefined,
  hostId: 's9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=',
  signature: { version: 'v4', by: 'header' },
  tls: { version: 'TLSV1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' },
  host: 'amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com',
  aclRequired: false,
  ...more,
})

/** The examples of the user guide, without access points and Regions of clients, which are not here. */
test.each<[string, Partial<AccessLogFacts>, string]>([
  [
    'versioning',
    { aclRequired: true },
    `${OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 ${OWNER} 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - Yes -`,
  ],
  [
    'no policy',
    {
      requestId: 'A1206F460EXAMPLE',
      operation: 'REST.GET.BUCKETPOLICY',
      request: { method: 'GET', url: '/amzn-s3-demo-bucket1?policy', httpVersion: '1.1' },
      status: 404,
      errorCode: 'NoSuchBucketPolicy',
      bytesSent: 297,
      totalMs: 38,
      hostId: 'BNaBsXZQQDbssi6xMBdBU2sLt+Yf5kZDmeBUP35sFoKa3sLLeMC78iwEIWxs99CRUrbS4n11234=',
    },
    `${OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 ${OWNER} A1206F460EXAMPLE REST.GET.BUCKETPOLICY - "GET /amzn-s3-demo-bucket1?policy HTTP/1.1" 404 NoSuchBucketPolicy 297 - 38 - "-" "S3Console/0.4" - BNaBsXZQQDbssi6xMBdBU2sLt+Yf5kZDmeBUP35sFoKa3sLLeMC78iwEIWxs99CRUrbS4n11234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - - -`,
  ],
  [
    'an upload',
    {
      atMs: Date.UTC(2019, 1, 6, 0, 1, 57),
      requestId: 'DD6CC733AEXAMPLE',
      operation: 'REST.PUT.OBJECT',
      objectKey: 's3-dg.pdf',
      request: { method: 'PUT', url: '/amzn-s3-demo-bucket1/s3-dg.pdf', httpVersion: '1.1' },
      bytesSent: 0,
      objectSize: 4406583,
      totalMs: 41754,
      turnAroundMs: 28,
      hostId: '10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234=',
    },
    `${OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:01:57 +0000] 192.0.2.3 ${OWNER} DD6CC733AEXAMPLE REST.PUT.OBJECT s3-dg.pdf "PUT /amzn-s3-demo-bucket1/s3-dg.pdf HTTP/1.1" 200 - - 4406583 41754 28 "-" "S3Console/0.4" - 10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - - -`,
  ],
  [
    'one key of many that are deleted',
    {
      operation: 'BATCH.DELETE.OBJECT',
      objectKey: 'a b/ö"',
      request: undefined,
      status: 204,
      bytesSent: 0,
      totalMs: undefined,
      hostId: 'h',
    },
    `${OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 ${OWNER} 3E57427F3EXAMPLE BATCH.DELETE.OBJECT a%20b/%C3%B6%22 - 204 - - - - - - - - h SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - - -`,
  ],
  [
    'an anonymous request over plain HTTP',
    { requester: undefined, signature: undefined, tls: undefined, host: undefined, referer: 'http://a/"', hostId: 'h' },
    `${OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "http://a/%22" "S3Console/0.4" - h - - - - - - - -`,
  ],
])('%s', (_, more, line) => {
  expect(accessLogLine(facts(more))).toBe(line)
})

const REDACTED = 'REDACTED'
test.each([
  ['/b/k', '/b/k'],
  ['/b?X-Amz-Signature=s3cret&X-Amz-Date=d', `/b?X-Amz-Signature=${REDACTED}&X-Amz-Date=d`],
  ['/b?versionId=v&x-amz-security-token=s3cret', `/b?versionId=v&x-amz-security-token=${REDACTED}`],
  ['/b?AWSAccessKeyId=AKIA&Signature=s3cret&Expires=1', `/b?AWSAccessKeyId=AKIA&Signature=${REDACTED}&Expires=1`],
  ['/b?X%2DAmz%2DSignatur%65=s3cret', `/b?X%2DAmz%2DSignatur%65=${REDACTED}`],
  ['/b?X%252DAmz-Signatur%2565=s3cret', `/b?X%252DAmz-Signatur%2565=${REDACTED}`],
  ['/b?x-amz-server-side-encryption-customer-key=s3cret', `/b?x-amz-server-side-encryption-customer-key=${REDACTED}`],
  ['/b?x-amz-server-side-encryption-customer-key-md5=m', '/b?x-amz-server-side-encryption-customer-key-md5=m'],
  ['/b?list-type=2&continuation-token=t', '/b?list-type=2&continuation-token=t'],
  ['https://h/b?a=1#?Signature=s3cret', `https://h/b?a=1#?Signature=${REDACTED}`],
  ['/b?Signature=a=s3cret?s3cret', `/b?Signature=${REDACTED}`],
  ['/b?Signature=s3c;s3c#s3c&a=b', `/b?Signature=${REDACTED}&a=b`],
  ['/b?a=b;Signature=s3cret', `/b?a=b;Signature=${REDACTED}`],
  ['/b?a==Signature=s3cret', `/b?a==Signature=${REDACTED}`],
  ['/b?uploads', '/b?uploads'],
])('%s is told as %s', (url, told) => {
  expect(withoutSecrets(url)).toBe(told)
})

const FIELDS =
  /^(\S+) (\S+) \[([^\]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) ("[^"]*"|-) (\d+) (\S+) (\S+) (\S+) (\S+) (\S+) ("[^"]*"|-) ("[^"]*"|-) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$/

test('whatever a client sends, a line has its fields, and none of its secrets', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  const secret = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: 24, maxLength: 64 })
  const name = fc.constantFrom(
    'X-Amz-Signature',
    'x-amz-security-token',
    'Signature',
    'X-Amz-Security%2dToken',
    'x-amz-server-side-encryption-customer-key',
  )
  const pair = fc.tuple(fc.string({ unit: fc.constantFrom(...'abc%?=/;+ "'), maxLength: 8 }), text)
  fc.assert(
    fc.property(
      fc.array(pair),
      name,
      secret,
      fc.array(pair),
      text,
      text,
      text,
      (before, secretName, value, after, key, agent, referer) => {
        const parameters = [...before, [secretName, value] as const, ...after].map(([k, v]) => `${k}=${v}`)
        const url = `/b/k?${parameters.join('&')}`
        const line = accessLogLine(
          facts({
            request: { method: 'GET', url, httpVersion: '1.1' },
            objectKey: key,
            userAgent: agent,
            referer: `https://h${referer.replaceAll('?', '')}${url}`,
            host: agent,
          }),
        )
        expect(line).toMatch(FIELDS)
        expect(line.includes(value)).toBe(false)
      },
    ),
  )
})
