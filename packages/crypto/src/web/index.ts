/** The sealed format over Web Crypto; everything here is a promise. */
export { MessageKey, unwrapKey, wrapKey } from './message-key.ts'
export { createOpener, createSealer, openRange, type StreamOpener, type StreamSealer, sealBytes } from './stream.ts'
