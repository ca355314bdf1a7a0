/**
 * Condition blocks: operators and keys must all hold, of a key's values one must fit
 * (IAM user guide, "Conditions with multiple context keys or values").
 */
import { OPERATORS, type ValueTest } from './operators.ts'
import { PolicyError } from './policy-error.ts'
import type { RequestContext } from './request.ts'

export type ConditionTest = (context: RequestContext) => boolean

/** One operator with one key and its values, e.g. `ForAnyValue:StringLikeIfExists`. Throws PolicyError. */
export function compileCondition(
  operatorText: string,
  key: string,
  values: readonly string[],
  options: { readonly variables: boolean },
): ConditionTest {
  const [, set, name = '', ifExists] = /^(ForAllValues:|ForAnyValue:)?(.+?)(IfExists)?$/.exec(operatorText) ?? []
  const contextKey = key.toLowerCase()
  if (name === 'Null' && !set && !ifExists) return nullTest(contextKey, values)
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined
  if (!operator) throw new PolicyError(`Invalid Condition type : ${operatorText}`)
  const tests = values.map((value) => {
    const test = operator.compile(value, options)
    if (!test) throw new PolicyError(`Invalid value in condition ${operatorText} : ${value}`)
    return test
  })
  return valuesTest(contextKey, tests, operator.negated, set, ifExists !== undefined)
}

function nullTest(key: string, values: readonly string[]): ConditionTest {
  const wanted = values.map((value) => {
    if (!/^(true|false)$/i.test(value)) throw new PolicyError(`Invalid value in condition Null : ${value}`)
    return value.toLowerCase() === 'true'
  })
  return (context) => wanted.includes(!context.has(key))
}

function valuesTest(
  key: string,
  tests: readonly ValueTest[],
  negated: boolean,
  set: string | undefined,
  ifExists: boolean,
): ConditionTest {
  return (context) => {
    const values = context.get(key)
    const fits = (value: string) => tests.some((test) => test(value, context)) !== negated
    if (values === undefined || (set && values.length === 0)) {
      if (ifExists || set === 'ForAllValues:') return true
      // An absent key is no value at all, so it is unequal to every one; but there is none that could be so.
      return negated && set === undefined
    }
    if (set === 'ForAnyValue:') return values.some(fits)
    // Without a set operator a key has one value; of several none may break a negated operator.
    return set === 'ForAllValues:' || negated ? values.every(fits) : values.some(fits)
  }
}
