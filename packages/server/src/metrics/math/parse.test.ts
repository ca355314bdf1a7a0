import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Expression, MathError, parseExpression } from './parse.ts'

const spaced = (operator: string) => (/^[A-Z]/.test(operator) ? ` ${operator} ` : operator)

/** With all brackets that its structure has. */
const shown = (expression: Expression): string => {
  switch (expression.type) {
    case 'number':
      return String(expression.value)
    case 'string':
      return JSON.stringify(expression.value)
    case 'id':
      return expression.id
    case 'word':
      return expression.word
    case 'array':
      return `[${expression.items.map(shown).join(',')}]`
    case 'call':
      return `${expression.name}(${expression.args.map(shown).join(',')})`
    case 'negate':
      return `(-${shown(expression.of)})`
    case 'binary':
      return `(${shown(expression.left)}${spaced(expression.operator)}${shown(expression.right)})`
  }
}

describe('expressions', () => {
  test('are read with the usual precedence', () => {
    const cases: [string, string][] = [
      ['m1+m2*m3', '(m1+(m2*m3))'],
      ['m1-m2-m3', '((m1-m2)-m3)'],
      ['2^3^2', '(2^(3^2))'],
      ['-2^2', '(-(2^2))'],
      ['2^-1', '(2^(-1))'],
      ['- -m1', '(-(-m1))'],
      ['-5*m1', '((-5)*m1)'],
      ['(m1+m2)/2', '((m1+m2)/2)'],
      ['m1>15 AND m2>15 || m3', '(((m1>15) AND (m2>15)) OR m3)'],
      ['m1<=1 && m2>=2', '((m1<=1) AND (m2>=2))'],
      ['m1==1!=0', '((m1==1)!=0)'],
      ['SUM(METRICS("errors"))/SUM([m1, e_2A])*100', '((SUM(METRICS("errors"))/SUM([m1,e_2A]))*100)'],
      ["METRICS('4xx')", 'METRICS("4xx")'],
      ['FILL(m1, REPEAT)', 'FILL(m1,REPEAT)'],
      ['SORT(METRICS(), AVG, DESC, 10)', 'SORT(METRICS(),AVG,DESC,10)'],
      [' 1.5e3 + .5 + 2. ', '((1500+0.5)+2)'],
      ['[]', '[]'],
    ]
    for (const [text, tree] of cases) expect(shown(parseExpression(text)), text).toBe(tree)
  })

  test('what cannot be read says where', () => {
    const cases: [string, string][] = [
      ['', 'Unexpected end of the expression'],
      ['m1 +', 'Unexpected end of the expression'],
      ['m1 m2', "Unexpected 'm2' at character 4"],
      ['(m1', 'Unexpected end of the expression'],
      ['m1)', "Unexpected ')' at character 3"],
      ['SUM(m1,)', "Unexpected ')' at character 8"],
      ['m1 % 2', 'Syntax error at character 4'],
      ['"abc', 'Syntax error at character 1'],
      ['m1 = 2', 'Syntax error at character 4'],
      ['sum(m1)', "Unexpected '(' at character 4"],
      ['5(m1)', "Unexpected '(' at character 2"],
    ]
    for (const [text, message] of cases) expect(() => parseExpression(text), text).toThrow(new MathError(message))
  })

  test('are bounded in length and depth', () => {
    expect(parseExpression(`${'1+'.repeat(1023)}1`)).toBeDefined()
    expect(() => parseExpression(`${'1+'.repeat(1024)}1`)).toThrow('longer than 2048')
    const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}m1${close.repeat(depth)}`
    for (const [open, close] of [
      ['(', ')'],
      ['[', ']'],
      ['ABS(', ')'],
      ['-', ''],
      ['2^', ''],
    ] as const) {
      expect(parseExpression(nested(20, open, close))).toBeDefined()
      expect(() => parseExpression(nested(21, open, close)), open).toThrow('deeper than 20')
    }
  })

  test('whatever is given is read or refused', () => {
    const piece = fc.constantFrom(
      'm1',
      '2',
      '+',
      '-',
      '^',
      '(',
      ')',
      '[',
      ']',
      ',',
      'SUM',
      ' AND ',
      '==',
      '<',
      '"a"',
      ' ',
      '%',
      '&',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          const tree = shown(parseExpression(pieces.join('')))
          expect(shown(parseExpression(tree))).toBe(tree)
        } catch (error) {
          expect(error).toBeInstanceOf(MathError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
