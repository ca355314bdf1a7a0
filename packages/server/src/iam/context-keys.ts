/** The condition keys that a policy's decision may depend on: of its conditions and of its variables. */

/** In the order in which they stand. The document has been read as a policy before. */
export function contextKeysOf(document: string): readonly string[] {
  const found = new Map<string, string>()
  const add = (key: string) => {
    if (!found.has(key.toLowerCase())) found.set(key.toLowerCase(), key)
  }
  const { Statement } = JSON.parse(document) as { Statement: JsonStatement | readonly JsonStatement[] }
  for (const statement of [Statement].flat()) {
    for (const keys of Object.values(statement.Condition ?? {})) for (const key of Object.keys(keys)) add(key)
    for (const [, key] of JSON.stringify(statement).matchAll(VARIABLE)) add(key!)
  }
  return [...found.values()]
}

interface JsonStatement {
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** `${*}`, `${?}` and `${$}` are characters, not variables; what follows a comma is a default. */
const VARIABLE = /\$\{\s*([a-z0-9-]+:[^},\s]+)[^}]*\}/gi
