/** The sealed format's arithmetic and types, for Node.js and browsers. See docs/formats/sealed-object.md. */
export { concat, sameBytes } from './bytes.ts'
export { encodeContext } from './context.ts'
export { DataKey } from './data-key.ts'
export { SealError } from './errors.ts'
export {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  MAX_SEGMENTS,
  nonceFor,
  plaintextSize,
  SEGMENT_BYTES,
  type SegmentSpan,
  STREAM_SECRET_BYTES,
  type StreamContext,
  type StreamHeader,
  sealedSize,
  segmentSpan,
  splitSecret,
  streamInfo,
  TAG_BYTES,
} from './format.ts'
