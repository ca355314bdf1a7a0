/** `node bench/profile.mjs FILE.cpuprofile [ROWS]`: where the time goes, by function and by file, idle time left out. */
import { readFileSync } from 'node:fs'

const [path, rows = '40'] = process.argv.slice(2)
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8'))
const byId = new Map(nodes.map((node) => [node.id, node]))
const parentOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
const byFunction = new Map()
const withCallees = new Map()
const byFile = new Map()
let total = 0
for (const [i, id] of samples.entries()) {
  const { functionName, url } = byId.get(id).callFrame
  if (functionName === '(idle)' || functionName === '(program)') continue
  total += timeDeltas[i]
  add(byFunction, labelOf(id), timeDeltas[i])
  add(byFile, fileOf(url) || functionName, timeDeltas[i])
  const seen = new Set()
  for (let at = id; at !== undefined; at = parentOf.get(at)) seen.add(labelOf(at))
  for (const label of seen) add(withCallees, label, timeDeltas[i])
}
print('by function', byFunction)
print('by file', byFile)
print('by function, with what it calls', withCallees)

function fileOf(url) {
  return url.replace(/^.*\/(node_modules|packages)\//, '')
}

function labelOf(id) {
  const { functionName, url, lineNumber } = byId.get(id).callFrame
  return `${functionName || '(anonymous)'} ${fileOf(url)}:${lineNumber + 1}`
}

function add(map, key, micros) {
  map.set(key, (map.get(key) ?? 0) + micros)
}

function print(title, map) {
  console.log(`\n${title}, of ${(total / 1e6).toFixed(2)} s:`)
  const sorted = [...map].sort(([, a], [, b]) => b - a).slice(0, Number(rows))
  for (const [key, micros] of sorted) console.log(`${((micros / total) * 100).toFixed(1).padStart(6)} %  ${key}`)
}
