/**
 * Writes docs/client/api.md from what @strongroom/client exports: doc comments and signatures of its sources. Fails where
 * an exported name, or a method or property of one, has no doc comment, and where a signature names a type of the package
 * that nobody can import. `--check` fails where the page is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportsOf } from './exported-names.mjs'
import { root } from './prepare.mjs'

const ENTRIES = [
  { specifier: '@strongroom/client', file: 'node/index.ts', onOtherPlatforms: 'web/index.ts' },
  { specifier: '@strongroom/client/kms', file: 'keyrings/kms.ts' },
  { specifier: '@strongroom/client/passphrase', file: 'keyrings/passphrase.ts' },
]
const GROUPS = [
  { title: 'Client', holds: (file) => file === 'node/index.ts' || file.startsWith('client/') },
  { title: 'Keyrings', holds: (file) => file.startsWith('keyrings/') || file === 'node/legacy-oaep.ts' },
  { title: 'Errors and their codes', holds: (file) => file === 'errors.ts' },
  { title: 'Formats and policies', holds: () => true },
]

const problems = []
const items = new Map()
for (const { specifier, file, onOtherPlatforms } of ENTRIES) {
  const elsewhere = onOtherPlatforms && exportsOf(onOtherPlatforms)
  for (const [name, item] of exportsOf(file))
    items.set(name, { ...item, specifier, nodeOnly: elsewhere !== undefined && !elsewhere.has(name) })
}

/** Names that differ in their first letter only would have one anchor: `cachingKeyring` and the type that it returns. */
const headingOf = ({ name, node }) => (KINDS[node.type] ? `${name} (${KINDS[node.type]})` : name)
const KINDS = { ClassDeclaration: 'class', TSInterfaceDeclaration: 'type', TSTypeAliasDeclaration: 'type' }
const anchor = (name) => {
  const fragment = headingOf(items.get(name)).toLowerCase().replace(/[()]/g, '').replaceAll(' ', '-')
  return `[\`${name}\`](#${fragment})`
}
const linked = (prose) =>
  prose.replace(/\{@link (\w+)\}/g, (_, name) => (items.has(name) ? anchor(name) : `\`${name}\``))

/** Source text without comments. */
const slice = ({ text }, start, end) => text.slice(start, end).replace(/\/\*\*[\s\S]*?\*\/\s*/g, '')

/** A type on one line. */
const oneLine = (text) =>
  text
    .trim()
    .replace(/([{([<,|&])\s*\n\s*/g, '$1 ')
    .replace(/,?\s*\n\s*(?=[})\]>|&])/g, ' ')
    .replace(/\s*\n\s*/g, '; ')
    .replace(/([<,]) \| /g, '$1 ')
    .replace(/^\| |(?<=<) | (?=>)/g, '')

/** A type as code whose names lead to what this page says of them. */
function typeText(item, node) {
  mustBeKnown(item, node)
  const text = oneLine(slice(item.module, node.start, node.end))
  const pieces = text.split(/\b([A-Z]\w*)\b(?!['-])/)
  return pieces
    .map((piece, i) => (i % 2 === 1 && items.has(piece) && piece !== item.name ? { name: piece } : { text: piece }))
    .reduce((out, piece) => {
      const last = out.at(-1)
      if (piece.text !== undefined && last?.text !== undefined) last.text += piece.text
      else out.push(piece)
      return out
    }, [])
    .filter(({ text: code }) => code !== '')
    .map(({ name, text: code }) => (name ? anchor(name) : `\`${code}\``))
    .join('')
}

/** Whoever sees a type of this package in a signature can import it; what only names a global type is one. */
function mustBeKnown(item, node) {
  if (node === null || typeof node !== 'object') return
  if (node.type === 'TSTypeReference' && node.typeName.type === 'Identifier' && !items.has(node.typeName.name)) {
    const { name } = node.typeName
    const { declarations, imports } = item.module
    const from = imports.get(name)
    const declared = from ? exportsOf(from).get(name) : declarations.get(name)
    const global = declared?.node.typeAnnotation?.typeName?.left?.name === 'globalThis'
    if (declared && !global) problems.push(`${item.name}: its type ${name} is not exported`)
  }
  for (const value of Object.values(node)) mustBeKnown(item, value)
}

function need(item, doc, what = item.name) {
  if (doc === undefined) problems.push(`${item.module.file}: ${what} has no doc comment`)
  return linked(doc ?? '')
}

/** A name for a parameter that is taken apart where it comes. */
const nameFor = (type) =>
  /^\w+$/.test(type) && !type.endsWith('Options') ? type[0].toLowerCase() + type.slice(1) : 'options'

/** `(a: A, options: O): R` */
function callText(item, callable) {
  const parameters = callable.params.map((parameter) => {
    const hasDefault = parameter.type === 'AssignmentPattern'
    const pattern = hasDefault ? parameter.left : parameter
    mustBeKnown(item, pattern.typeAnnotation)
    const { start, end } = pattern.typeAnnotation.typeAnnotation
    const optional = hasDefault || pattern.optional ? '?' : ''
    const type = slice(item.module, start, end)
    return `${pattern.name ?? nameFor(type)}${optional}: ${type}`
  })
  if (!callable.returnType) {
    problems.push(`${item.name}: no type is given for what it returns`)
    return ''
  }
  mustBeKnown(item, callable.returnType)
  const { start, end } = callable.returnType.typeAnnotation
  const typeParameters = callable.typeParameters
    ? slice(item.module, callable.typeParameters.start, callable.typeParameters.end)
    : ''
  const result = oneLine(slice(item.module, start, end))
  const short = `${typeParameters}(${parameters.map(oneLine).join(', ')}): ${result}`
  if (short.length <= 90) return short
  return `${typeParameters}(\n${parameters.map((each) => `  ${oneLine(each)},\n`).join('')}): ${result}`
}

const code = (text) => ['```typescript', text, '```'].join('\n')

/** The page's other entries that a call speaks of. */
function seeAlso(item, text) {
  const names = [...new Set(text.match(/\b[A-Z]\w*\b/g))].filter((name) => items.has(name) && name !== item.name)
  return names.length > 0 ? [`See ${names.map(anchor).join(', ')}.`] : []
}

function calls(item, name, callable, doc) {
  const text = `${name}${callText(item, callable)}`
  return [code(text), doc, ...seeAlso(item, text)]
}

const RENDER = {
  FunctionDeclaration: (item) => calls(item, item.name, item.node, need(item, item.doc)),

  VariableDeclarator(item) {
    const { init } = item.node
    if (init.type === 'ArrowFunctionExpression') return calls(item, item.name, init, need(item, item.doc))
    return [need(item, item.doc), rowsOf(item, init)]
  },

  ClassDeclaration(item) {
    const methods = item.node.body.body.filter(
      ({ type, key, kind, accessibility }) =>
        type === 'MethodDefinition' &&
        key.type === 'Identifier' &&
        kind !== 'constructor' &&
        accessibility !== 'private',
    )
    const properties = item.node.body.body.filter(
      ({ type, key }) => type === 'PropertyDefinition' && key.type === 'Identifier',
    )
    return [
      need(item, item.doc),
      ...(properties.length > 0 ? [properties.map((each) => property(item, each)).join('\n')] : []),
      ...methods.flatMap((method) => {
        const doc = need(item, item.module.docs.get(method.start), `${item.name}.${method.key.name}`)
        if (method.kind === 'get')
          return [`#### ${method.key.name}`, `${typeText(item, method.value.returnType.typeAnnotation)} ${doc}`]
        return [`#### ${method.key.name}`, ...calls(item, method.key.name, method.value, doc)]
      }),
    ]
  },

  TSInterfaceDeclaration(item) {
    const { body, extends: bases = [] } = item.node
    const properties = body.body.filter(({ type }) => type === 'TSPropertySignature')
    const methods = body.body.filter(({ type }) => type === 'TSMethodSignature')
    const inherits = bases.map((base) => typeText(item, base)).join(', ')
    return [
      need(item, item.doc),
      ...(inherits ? [`All of ${inherits}, and:`] : []),
      ...(properties.length > 0 ? [properties.map((each) => property(item, each)).join('\n')] : []),
      ...methods.flatMap((method) => {
        const doc = need(item, item.module.docs.get(method.start), `${item.name}.${method.key.name}`)
        return [`#### ${method.key.name}`, ...calls(item, method.key.name, method, doc)]
      }),
    ]
  },

  TSTypeAliasDeclaration(item) {
    const { typeAnnotation } = item.node
    const doc = need(item, item.doc)
    const named = typeAnnotation.type === 'TSTypeOperator' && typeAnnotation.typeAnnotation.exprName?.name
    if (!named) return [doc, typeText(item, typeAnnotation)]
    // `keyof typeof ROWS`: the rows are the values.
    if (items.has(named)) return [doc, `A code of ${anchor(named)}.`]
    return [doc, rowsOf(item, item.module.declarations.get(named).node.init)]
  },
}

/** The rows of a constant, with the comment of each. */
function rowsOf(item, init) {
  const object = init.type === 'TSAsExpression' || init.type === 'TSSatisfiesExpression' ? init.expression : init
  return object.properties
    .map(({ start, key, value }) => {
      const says = value.type === 'Literal' ? ` _${value.value}_.` : ''
      const doc = item.module.docs.get(start)
      return `- \`${key.name ?? key.value}\`${says || doc ? ':' : ''}${says}${doc ? ` ${linked(doc)}` : ''}`
    })
    .join('\n')
}

function property(item, { start, key, optional, typeAnnotation }) {
  const doc = need(item, item.module.docs.get(start), `${item.name}.${key.name}`)
  return `- \`${key.name}${optional ? '?' : ''}\`: ${typeText(item, typeAnnotation.typeAnnotation)}<br>${doc.replaceAll('\n\n', ' ')}`
}

/** What does something comes before what it is told. */
const RANK = ['FunctionDeclaration', 'VariableDeclarator', 'ClassDeclaration']
const rank = ({ node: { type } }) => (RANK.includes(type) ? RANK.indexOf(type) : RANK.length)

function section(item) {
  const where = [
    ...(item.specifier === ENTRIES[0].specifier ? [] : [`From \`${item.specifier}\`.`]),
    ...(item.nodeOnly ? ['On Node.js only.'] : []),
  ].join(' ')
  return [`### ${headingOf(item)}`, ...(where ? [where] : []), ...RENDER[item.node.type](item)]
}

const left = new Set(items.values())
const groups = GROUPS.map(({ title, holds }) => {
  const held = [...left].filter(({ module }) => holds(module.file)).sort((a, b) => rank(a) - rank(b))
  for (const item of held) left.delete(item)
  return { title, held }
})
const page = `${[
  '# API of @strongroom/client',
  'Made from the sources by `scripts/api-reference.mjs`. How to use it is in the [tutorial](tutorial.md).',
  groups.map(({ title, held }) => `- **${title}**: ${held.map(({ name }) => anchor(name)).join(', ')}`).join('\n'),
  ...groups.flatMap(({ title, held }) => [`## ${title}`, ...held.flatMap(section)]),
].join('\n\n')}\n`

if (problems.length > 0) {
  console.error([...new Set(problems)].join('\n'))
  process.exit(1)
}
const path = join(root, 'docs/client/api.md')
if (!process.argv.includes('--check')) writeFileSync(path, page)
else if (readFileSync(path, 'utf8') === page) console.log('docs/client/api.md is true')
else {
  console.error('docs/client/api.md is stale: run node scripts/api-reference.mjs')
  process.exit(1)
}
