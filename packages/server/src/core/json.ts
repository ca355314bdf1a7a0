/** JSON of strangers. */

/** Throws SyntaxError for what is no JSON, or nested so deeply that whatever walks over it would run out of stack. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new SyntaxError('the value is nested too deeply')
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return value
}

/** No document that AWS knows has half as many levels. */
const MAX_DEPTH = 64
