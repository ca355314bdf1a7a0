/** Text as user metadata carries it, where only ASCII passes everywhere unharmed. */

/** JSON in ASCII: every other character as `\uXXXX`, and what a reader could take for the beginning of an encoded word. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]|=(?=\?)/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/**
 * Undoes what S3 and HTTP libraries do to text that is not ASCII: words of RFC 2047, and UTF-8 read as Latin-1 (AWS
 * does both at once). Text that was hurt in neither way comes back as it is.
 */
export function metadataText(value: string): string {
  return utf8ReadAsLatin1(value.replace(ENCODED_WORDS, decodeWords))
}

/** Encoded words; white space between two of them is not part of the text (RFC 2047, 6.2). */
const ENCODED_WORDS = /=\?utf-8\?[bq]\?[^?]*\?=(?:\s*=\?utf-8\?[bq]\?[^?]*\?=)*/gi

function decodeWords(words: string): string {
  const bytes: number[] = []
  for (const [, encoding, text] of words.matchAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi)) {
    const decoded = encoding!.toLowerCase() === 'b' ? decodeB(text!) : decodeQ(text!)
    if (decoded === undefined) return words
    for (const unit of decoded) bytes.push(unit.charCodeAt(0))
  }
  return decodeUtf8(Uint8Array.from(bytes)) ?? words
}

function decodeB(text: string): string | undefined {
  try {
    return atob(text)
  } catch {
    // Not base64, so not an encoded word: it stays as it is.
    return undefined
  }
}

const decodeQ = (text: string): string =>
  text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

function utf8ReadAsLatin1(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text) || /[\u0100-\uffff]/.test(text)) return text
  return decodeUtf8(Uint8Array.from(text, (unit) => unit.charCodeAt(0))) ?? text
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // Not UTF-8: whoever asks has another reading.
    return undefined
  }
}
