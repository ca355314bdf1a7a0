/** The sealed format over node:crypto; everything here is synchronous. */
export { deriveKey, generateDataKey } from './derive.ts'
export { MessageKey, unwrapKey, wrapKey } from './message-key.ts'
export { freshBytes, freshHex } from './random.ts'
export { createOpener, createSealer, openRange, type StreamOpener, type StreamSealer, sealBytes } from './stream.ts'
