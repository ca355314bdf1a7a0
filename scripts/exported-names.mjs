/** What the sources of @strongroom/client export: declarations with their doc comments, found through all re-exports. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from './prepare.mjs'

const source = join(root, 'packages/client/src')

/**
 * What a file (its path below `src/`) exports, by name: node of the syntax tree, doc comment, and the module that
 * declares it, which has its text, declarations, imports (name to file, empty where it is of another package) and doc
 * comments by the place of what they stand before.
 */
export function exportsOf(file) {
  const module = moduleOf(file)
  const found = new Map()
  for (const { all, name, local = name, from } of module.exports) {
    if (all !== undefined) for (const [each, item] of exportsOf(all)) found.set(each, item)
    else found.set(name, from ? exportsOf(from).get(local) : module.declarations.get(local))
  }
  return found
}

const modules = new Map()

/** A source file: its text, what it declares, imports and exports, and the doc comment before any node of it. */
function moduleOf(file) {
  const known = modules.get(file)
  if (known) return known
  const text = readFileSync(join(source, file), 'utf8')
  const { program, comments, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`)
  const docs = new Map()
  for (const { type, value, end } of comments)
    if (type === 'Block' && value.startsWith('*'))
      docs.set(end + /^\s*/.exec(text.slice(end))[0].length, proseOf(value))
  const module = { file, text, docs, declarations: new Map(), imports: new Map(), exports: [] }
  modules.set(file, module)
  for (const node of program.body) readStatement(module, node)
  return module
}

function readStatement(module, node) {
  const from = node.source && (node.source.value.startsWith('.') ? join(dirname(module.file), node.source.value) : '')
  if (node.type === 'ImportDeclaration') {
    for (const { local } of node.specifiers) module.imports.set(local.name, from)
  } else if (node.type === 'ExportAllDeclaration') {
    module.exports.push({ all: from })
  } else if (node.type === 'ExportNamedDeclaration' && !node.declaration) {
    for (const { local, exported } of node.specifiers)
      module.exports.push({ name: exported.name, local: local.name, from: from ?? module.imports.get(local.name) })
  } else {
    const declaration = node.declaration ?? node
    for (const each of declaration.declarations ?? [declaration]) {
      if (!each.id) continue
      const doc = module.docs.get(node.start) ?? module.docs.get(each.start)
      module.declarations.set(each.id.name, { name: each.id.name, node: each, module, doc })
      if (node.type === 'ExportNamedDeclaration') module.exports.push({ name: each.id.name })
    }
  }
}

/** The text of a doc comment; paragraphs stay apart. */
const proseOf = (comment) =>
  comment
    .replace(/^\*/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join('\n')
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll('\n', ' '))
    .join('\n\n')
