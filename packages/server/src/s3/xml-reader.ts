/** A strict reader of the small XML documents that S3 takes: no DOCTYPE, bounded depth, text kept to the letter. */
import { SaxesParser } from 'saxes'
import { S3Error } from './errors.ts'

export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  /** The element's own text, whitespace kept. */
  readonly text: string
}

const MAX_DEPTH = 16

/** The root element. Throws S3Error MalformedXML for anything that is not one well-formed document. */
export function readXml(bytes: Uint8Array): XmlElement {
  const parser = new SaxesParser({ xmlns: false, position: false })
  const stack: { name: string; children: XmlElement[]; text: string }[] = []
  let root: XmlElement | undefined
  const refuse = () => {
    throw new S3Error('MalformedXML')
  }
  parser.on('error', refuse)
  parser.on('doctype', refuse)
  parser.on('opentag', ({ name }) => {
    if (stack.length === MAX_DEPTH) refuse()
    stack.push({ name: name.slice(name.indexOf(':') + 1), children: [], text: '' })
  })
  const addText = (text: string) => {
    const open = stack.at(-1)
    if (open) open.text += text
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const done = stack.pop()!
    const parent = stack.at(-1)
    if (parent) parent.children.push(done)
    else root = done
  })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new S3Error('MalformedXML')
  }
  parser.write(text).close()
  if (!root) throw new S3Error('MalformedXML')
  return root
}

/** The text of the one child with this name; undefined where there is none. */
export function childText(element: XmlElement, name: string): string | undefined {
  return onlyChild(element, name)?.text
}

/** Throws MalformedXML where there are several. */
export function onlyChild(element: XmlElement, name: string): XmlElement | undefined {
  const found = childrenNamed(element, name)
  if (found.length > 1) throw new S3Error('MalformedXML')
  return found[0]
}

export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name)
}
