/**
 * Puts spans around what a request does below its door. The methods are wrapped on the objects themselves, once, when a
 * worker that traces is wired; a worker that does not runs the plain ones.
 */
import type { SpanAttributes, Tracer } from '../core/tracing.ts'
import type { KeyService } from '../keys/key-service.ts'
import type { ContentReader } from '../objects/content-reader.ts'
import type { ContentWriter } from '../objects/content-writer.ts'
import type { Protector } from '../objects/protection.ts'
import type { VersionStore } from '../objects/version-store.ts'
import type { BlobStore } from '../storage/blobs.ts'
import type { Catalog } from '../storage/catalog.ts'

export interface TracedStore {
  readonly versions: VersionStore
  readonly protector: Protector
  /** In all Regions. */
  readonly keyServices: readonly KeyService[]
  readonly writer: ContentWriter
  readonly reader: ContentReader
  readonly blobs: BlobStore
  readonly catalog: Catalog
}

export function traceStore(tracer: Tracer, store: TracedStore): void {
  const { versions, protector, keyServices, writer, reader, blobs, catalog } = store
  trace(tracer, versions, 'find', 'find version')
  trace(tracer, protector, 'begin', 'get data key')
  trace(tracer, protector, 'resume', 'get data key')
  for (const keys of keyServices) {
    trace(tracer, keys, 'generateDataKey', 'KMS/GenerateDataKey')
    trace(tracer, keys, 'unwrapDataKey', 'KMS/Decrypt')
    trace(tracer, keys, 'wrapDataKey', 'KMS/Encrypt')
  }
  trace(tracer, writer, 'write', 'seal', (_, protection, { partNumber }) => ({
    'strongroom.encryption': protection.stored.method,
    'aws.s3.part_number': partNumber,
  }))
  // Of large content the first segments; the rest is opened while it is sent.
  trace(tracer, reader, 'open', 'open', (_, protection) => ({ 'strongroom.encryption': protection.stored.method }))
  const stage = blobs.stage.bind(blobs)
  blobs.stage = async (id) => {
    const staged = await stage(id)
    trace(tracer, staged, 'keep', 'write blob')
    return staged
  }
  trace(tracer, catalog, 'commit', 'commit')
}

/** `attributes` are made of the call's arguments, and only of facts that may leave the server. */
function trace<T, M extends keyof T>(
  tracer: Tracer,
  target: T,
  method: M,
  span: string,
  attributes: (...args: T[M] extends (...args: infer A) => unknown ? A : never) => SpanAttributes = () => ({}),
): void {
  const plain = target[method] as (...args: unknown[]) => unknown
  const wrapped = (...args: unknown[]) =>
    tracer.span(span, attributes(...(args as Parameters<typeof attributes>)), () => plain.apply(target, args))
  target[method] = wrapped as T[M]
}
