/** Passphrases, from a file or from the terminal. */
import { openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { ReadStream } from 'node:tty'
import { UsageError } from './exit.ts'

/** The text of a file without the line's end that editors put there. Throws UsageError where it is empty or no UTF-8. */
export async function passphraseOfFile(path: string): Promise<string> {
  const bytes = await readFile(path)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw new UsageError(`the passphrase in ${path} is not UTF-8`)
  } finally {
    bytes.fill(0)
  }
  if (text === '') throw new UsageError(`the passphrase in ${path} is empty`)
  return text
}

/**
 * Asks on the terminal, also where standard input is something else, and shows nothing of what is typed. `twice`: until
 * it was typed the same way twice. Throws UsageError where there is no terminal.
 */
export async function askForPassphrase(question: string, twice: boolean): Promise<string> {
  let terminal: ReadStream
  try {
    terminal = new ReadStream(openSync('/dev/tty', 'r+'))
  } catch {
    throw new UsageError('there is no terminal to ask for the passphrase on; give a file')
  }
  try {
    // Before the first question, so that nothing that is typed early is shown either.
    terminal.setRawMode(true)
    const signs = signsOf(terminal)
    for (;;) {
      const typed = await ask(signs, `${question}: `)
      if (typed === '') process.stderr.write('A passphrase is not empty.\n')
      else if (!twice || typed === (await ask(signs, 'Once more: '))) return typed
      else process.stderr.write('They differ.\n')
    }
  } finally {
    terminal.setRawMode(false)
    terminal.destroy()
  }
}

async function* signsOf(terminal: ReadStream): AsyncGenerator<string, void> {
  terminal.setEncoding('utf8')
  for await (const text of terminal) yield* text as string
}

const END_OF_LINE = ['\r', '\n']
/** Ctrl-C and Ctrl-D, which the terminal does not act on in this mode. */
const GIVEN_UP = ['\u0003', '\u0004']
const BACKSPACE = ['\u0008', '\u007f']

/** One line. Throws an Error where none comes. */
async function ask(signs: AsyncGenerator<string, void>, question: string): Promise<string> {
  process.stderr.write(question)
  const typed: string[] = []
  for (;;) {
    const { value: sign } = await signs.next()
    const isEnd = sign === undefined || GIVEN_UP.includes(sign) || END_OF_LINE.includes(sign)
    if (isEnd) process.stderr.write('\n')
    if (sign === undefined || GIVEN_UP.includes(sign)) throw new Error('no passphrase was given')
    if (isEnd) return typed.join('')
    if (BACKSPACE.includes(sign)) typed.pop()
    else typed.push(sign)
  }
}
