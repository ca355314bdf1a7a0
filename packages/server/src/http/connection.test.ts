import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { ConnectionReader } from './connection.ts'

const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress, encrypted: false }, headers }) as unknown as IncomingMessage
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.7' }

test('forwarding headers count from trusted proxies only', () => {
  const reader = new ConnectionReader(['10.0.0.0/8', '2001:db8::1'])
  expect(reader.read(request('10.1.2.3', forwarded))).toMatchObject({ secure: true, sourceIp: '198.51.100.7' })
  expect(reader.read(request('2001:db8::1', forwarded))).toMatchObject({ secure: true })
  expect(reader.read(request('::ffff:10.1.2.3', forwarded))).toMatchObject({ secure: true })
  expect(reader.read(request('192.0.2.1', forwarded))).toMatchObject({ secure: false, sourceIp: '192.0.2.1' })
  expect(new ConnectionReader([]).read(request('10.1.2.3', forwarded))).toMatchObject({ secure: false })
})

test('of a list only the value counts that the proxy itself added', () => {
  const reader = new ConnectionReader(['10.0.0.1'])
  const headers = { 'x-forwarded-proto': 'https, http', 'x-forwarded-for': '1.1.1.1, 198.51.100.7' }
  expect(reader.read(request('10.0.0.1', headers))).toMatchObject({ secure: false, sourceIp: '198.51.100.7' })
  const nonsense = { 'x-forwarded-for': 'unknown' }
  expect(reader.read(request('10.0.0.1', nonsense))).toMatchObject({ secure: false, sourceIp: '10.0.0.1' })
})

test('what is no address is refused', () => {
  expect(() => new ConnectionReader(['proxy.example'])).toThrow(TypeError)
})
