/** A browser's form as a stream: its fields up to the file are gathered, the file is handed on while it arrives. */
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { S3Error } from './errors.ts'

export interface PostForm {
  /** Those before the file, by lower-case name. */
  readonly fields: ReadonlyMap<string, string>
  /** Names of the fields as they were sent. */
  readonly names: readonly string[]
  /** What the file was called, without its path; undefined where the form does not say. */
  readonly fileName: string | undefined
  /**
   * The file's bytes, iterated at most once. Ends only when the form has: what follows the file is read, and ignored
   * unless it is another file. Throws S3Error MalformedPOSTRequest or IncorrectNumberOfFilesInPostRequest, Fault
   * BodyIncomplete.
   */
  readonly file: AsyncIterable<Uint8Array>
}

/** Of the fields' names and values together (AWS S3 API reference, "POST Object"). */
const MAX_FIELD_BYTES = 20 * 1024
/** What may come before the file in all, headers of the parts and what belongs to no part included. */
const MAX_LEAD_BYTES = 128 * 1024

/**
 * Reads up to the file. Throws S3Error PreconditionFailed for what is no form, MalformedPOSTRequest,
 * MaxPostPreDataLengthExceeded, or InvalidArgument where a field comes twice or there is no file.
 */
export async function readPostForm(exchange: Exchange): Promise<PostForm> {
  const form = parserOf(exchange.request.headers['content-type'])
  if (exchange.expectsContinue) exchange.response.writeContinue()
  const fields = new Map<string, string>()
  const names: string[] = []
  let fieldBytes = 0
  let files = 0
  const found = new Promise<Pick<PostForm, 'fileName'> & { readonly stream: BusboyFileStream }>((resolve, reject) => {
    form.on('field', (name: string | undefined, value, nameCut, valueCut) => {
      // What follows the file is ignored.
      if (files > 0 || name === undefined) return
      fieldBytes += Buffer.byteLength(name) + Buffer.byteLength(value)
      if (nameCut || valueCut || fieldBytes > MAX_FIELD_BYTES) reject(tooLong())
      else if (fields.has(name.toLowerCase())) reject(fieldTwice(name))
      fields.set(name.toLowerCase(), value)
      names.push(name)
    })
    form.on('file', (_name, stream, fileName: string | undefined) => {
      files++
      // At once: a form that ends in its first bytes fails before whoever waits for the file has heard of it.
      stream.on('error', () => {})
      if (files === 1) resolve({ fileName, stream })
      // It goes unread; that it came is told at the end.
      else stream.resume()
    })
    form.on('finish', () => reject(noFile()))
    form.on('error', () => reject(new S3Error('MalformedPOSTRequest')))
  })
  const ended = feed(exchange, form, () => files > 0)
  // Both may fail while nobody waits for them.
  ended.catch(() => {})
  found.catch(() => {})
  const { fileName, stream } = await Promise.race([found, ended.then(() => found)])
  ended.catch((error: Error) => stream.destroy(error))
  return { fields, names, fileName, file: fileBytes(stream, ended, () => files) }
}

async function* fileBytes(
  stream: BusboyFileStream,
  ended: Promise<void>,
  files: () => number,
): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    // Where the connection broke off, that is the reason.
    await ended
    throw new S3Error('MalformedPOSTRequest', {}, { cause: error })
  }
  await ended
  if (files() > 1) throw new S3Error('IncorrectNumberOfFilesInPostRequest')
}

/** Gives the parser the body as fast as it takes it; resolves when the parser has seen the end of the form. */
function feed({ request, response }: Exchange, form: BusboyInstance, hasFile: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0
    const onData = (chunk: Buffer) => {
      received += chunk.length
      if (!form.write(chunk)) request.pause()
      if (received > MAX_LEAD_BYTES && !hasFile()) reject(tooLong())
    }
    form.on('drain', () => request.resume())
    form.once('finish', resolve)
    form.once('error', () => reject(new S3Error('MalformedPOSTRequest')))
    request.on('data', onData)
    request.once('end', () => form.end())
    request.once('error', (error: NodeJS.ErrnoException) => {
      const cut = new Fault('BodyIncomplete', { expectedBytes: received + 1, actualBytes: received }, { cause: error })
      reject(error.code === 'ECONNRESET' ? cut : error)
    })
    // Once there is a reply nobody reads the rest, and it must not stand in the way.
    response.once('finish', () => {
      request.off('data', onData)
      request.resume()
    })
  })
}

function parserOf(contentType: string | undefined): BusboyInstance {
  if (!/^multipart\/form-data/i.test(contentType ?? '')) {
    throw new S3Error('PreconditionFailed', {
      fields: { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' },
    })
  }
  try {
    return new Busboy({
      headers: { 'content-type': contentType! },
      // The file is what is called so; clients give plain fields file names, too.
      isPartAFile: (name) => name?.toLowerCase() === 'file',
      limits: { fieldNameSize: MAX_FIELD_BYTES, fieldSize: MAX_FIELD_BYTES },
      // Also of parts that are neither: nobody reads them, and one that is full would stop the form for ever.
      fileHwm: MAX_LEAD_BYTES,
    })
  } catch (error) {
    throw new S3Error('MalformedPOSTRequest', {}, { cause: error })
  }
}

const tooLong = () =>
  new S3Error('MaxPostPreDataLengthExceeded', { fields: { MaxPostPreDataLengthBytes: String(MAX_FIELD_BYTES) } })
const fieldTwice = (name: string) =>
  new S3Error('InvalidArgument', {
    message: `POST requests cannot have the field ${name} more than once.`,
    fields: { ArgumentName: name },
  })
const noFile = () =>
  new S3Error('InvalidArgument', {
    message: 'POST requires exactly one file upload per request.',
    fields: { ArgumentName: 'file', ArgumentValue: '0' },
  })
