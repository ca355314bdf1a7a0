/** Writes XML: an element is its name and its content, which is text, elements, or nothing. */
export type XmlContent = string | number | boolean | undefined | readonly XmlPiece[]

/** Already written markup. */
export interface XmlPiece {
  readonly markup: string
}

/** `undefined` content leaves the element out. */
export function element(name: string, content: XmlContent): XmlPiece {
  if (content === undefined) return NOTHING
  const inner = Array.isArray(content)
    ? content.map((piece: XmlPiece) => piece.markup).join('')
    : escapeText(String(content))
  return { markup: `<${name}>${inner}</${name}>` }
}

/** A whole document in S3's namespace. */
export function document(name: string, content: readonly XmlPiece[]): string {
  return `${DECLARATION}${xmlDocument(name, 'http://s3.amazonaws.com/doc/2006-03-01/', content)}`
}

/** A root element in a namespace, without a declaration. */
export function xmlDocument(name: string, namespace: string, content: readonly XmlPiece[]): string {
  const inner = content.map((piece) => piece.markup).join('')
  return `<${name} xmlns="${namespace}">${inner}</${name}>`
}

/** A document without a namespace: errors. */
export function bareDocument(name: string, content: readonly XmlPiece[]): string {
  return `${DECLARATION}${element(name, content).markup}`
}

export const raw = (markup: string): XmlPiece => ({ markup })

/** Control characters that XML 1.0 cannot hold are written as references, as S3 does; carriage returns so that they stay. */
export function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be escaped
  if (!/[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/.test(text)) return text
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g,
    (character) => NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16)};`,
  )
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' }
const NOTHING: XmlPiece = { markup: '' }
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
