/** A real OpenID Connect provider on a local port, over TLS with a certificate of its own. */
import 'reflect-metadata'
import { randomUUID, webcrypto } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface OidcProvider {
  readonly url: string
  /** PEM file to trust. */
  readonly caFile: string
  /** Signs a token that is good for a minute; `claims` go over what it would say. */
  sign(claims?: JWTPayload): Promise<string>
  close(): Promise<void>
}

export async function startOidcProvider(): Promise<OidcProvider> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  })
  const pem = certificate.toString('pem')
  const keyPem = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const caFile = join(tmpdir(), `strongroom-oidc-${randomUUID()}.pem`)
  await writeFile(caFile, pem)

  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256', use: 'sig' }
  let url = ''
  const documents: Record<string, () => object> = {
    '/.well-known/openid-configuration': () => ({ issuer: url, jwks_uri: `${url}/keys` }),
    '/keys': () => ({ keys: [jwk] }),
  }
  const server = createServer({ cert: pem, key: keyPem }, (request, response) => {
    const document = documents[request.url ?? '']
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document?.() ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://localhost:${(server.address() as AddressInfo).port}`
  return {
    url,
    caFile,
    sign(claims = {}) {
      const now = Math.floor(Date.now() / 1000)
      const usual = { iss: url, sub: 'ann', aud: 'app', iat: now, exp: now + 60 }
      return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'test' }).sign(privateKey)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
