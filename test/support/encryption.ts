/** Encrypting clients against a test server, and the hands of somebody who can write to its store. */
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { EncryptionError, type EncryptionErrorCode } from '@strongroom/client'

/** What the store has under a key: bytes and user metadata. */
export interface Stored {
  readonly body: Uint8Array
  readonly metadata: Record<string, string>
}

export async function stored(s3: S3Client, Bucket: string, Key: string): Promise<Stored> {
  const reply = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return { body: await reply.Body!.transformToByteArray(), metadata: reply.Metadata ?? {} }
}

/** Puts what `change` makes of an object in its place. */
export async function tamper(
  s3: S3Client,
  Bucket: string,
  Key: string,
  change: (object: Stored) => Partial<Stored>,
): Promise<void> {
  const object = await stored(s3, Bucket, Key)
  const { body, metadata } = { ...object, ...change(object) }
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: body, Metadata: metadata }))
}

/** The code of the EncryptionError that a reading is refused with. Fails where any plaintext came out. */
export async function refusal(
  reading: Promise<{ readonly Body: AsyncIterable<Uint8Array> }>,
): Promise<EncryptionErrorCode> {
  let released = 0
  try {
    const { Body } = await reading
    for await (const chunk of Body) released += chunk.length
  } catch (error) {
    if (!(error instanceof EncryptionError)) throw error
    if (released > 0) throw new Error(`${released} bytes came out before ${error.code}`)
    return error.code
  }
  throw new Error(`the reading was expected to be refused, and gave ${released} bytes`)
}

/** A body whose every byte depends on where it stands. */
export function patterned(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 17) & 0xff
  return bytes
}

/** `bytes` as a stream whose length nobody knows, in chunks of odd sizes. */
export async function* trickled(bytes: Uint8Array, step = 70_001): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
}
