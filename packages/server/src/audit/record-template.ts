/**
 * Records of one kind of request differ in a few places only: when, which object, which ids, how many bytes. A template is
 * the text of a record with these places open, so that records are made, sent, sealed and kept at a fraction of their length.
 *
 * Places are found by the names of members. Inside a JSON string no quotation mark stands unescaped, so a name with its
 * marks can only be a member; whether a template is right is checked when it is made, on the record that it was made of.
 */

/** What differs: each as it stands in the text. */
export type Varying = readonly string[]

export interface RecordTemplate {
  /** The text, with U+0000 and a digit for each place; neither stands in any JSON text. */
  readonly text: string
}

/** Undefined where the text cannot be made from a template. `marks`: what stands before each place, in the order of `varying`. */
export function templateOf(text: string, marks: readonly string[], varying: Varying): RecordTemplate | undefined {
  const places: { readonly at: number; readonly index: number }[] = []
  for (const [index, mark] of marks.entries()) {
    const at = text.indexOf(mark)
    if (at < 0) return undefined
    places.push({ at: at + mark.length, index })
  }
  places.sort((a, b) => a.at - b.at)
  let open = ''
  let done = 0
  for (const { at, index } of places) {
    open += `${text.slice(done, at)}\u0000${index}`
    done = at + varying[index]!.length
  }
  const template = { text: open + text.slice(done) }
  return filled(template, varying) === text ? template : undefined
}

export const filled = ({ text }: RecordTemplate, varying: Varying): string => {
  const pieces = text.split('\u0000')
  let whole = pieces[0]!
  for (let i = 1; i < pieces.length; i++) whole += varying[Number(pieces[i]![0])]! + pieces[i]!.slice(1)
  return whole
}
