/**
 * Reads the members of a service's request, with AWS's validation texts. They come from JSON, from CBOR, which has values for
 * times and bytes, or from a form, where all is text.
 */
import { auditedMembers } from './audited-members.ts'
import { ServiceError } from './service-error.ts'

type Members = Readonly<Record<string, unknown>>

export class Input {
  readonly #members: Members
  readonly #code: string
  readonly #textual: boolean

  /** `code`: of the errors that say what is wrong with a member. `textual`: numbers and flags are text, as in a form. */
  constructor(members: Members, code: string, textual = false) {
    this.#members = members
    this.#code = code
    this.#textual = textual
  }

  /** What of it the audit trail may tell. */
  audited(): Members | null {
    return auditedMembers(this.#members)
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null
  }

  /** For lists and structures, which are empty or absent elsewhere. */
  required(name: string): void {
    if (!this.has(name)) this.#missing(name)
  }

  optionalText(name: string, maxLength: number, minLength = 0): string | undefined {
    if (!this.has(name)) return undefined
    const value = this.#members[name]
    if (typeof value !== 'string') throw this.#wrongType('String')
    if (value.length < minLength) {
      throw this.constraint(name, value, `Member must have length greater than or equal to ${minLength}`)
    }
    if (value.length > maxLength) {
      throw this.constraint(name, value, `Member must have length less than or equal to ${maxLength}`)
    }
    return value
  }

  text(name: string, maxLength: number, minLength = 1): string {
    return this.optionalText(name, maxLength, minLength) ?? this.#missing(name)
  }

  /** A text of one form, e.g. `[\w+=,.@-]+`. */
  matching(name: string, form: string, maxLength: number): string {
    return this.optionalMatching(name, form, maxLength) ?? this.#missing(name)
  }

  optionalMatching(name: string, form: string, maxLength: number): string | undefined {
    const value = this.optionalText(name, maxLength, 1)
    if (value !== undefined && !new RegExp(`^(?:${form})$`, 'u').test(value)) {
      throw this.constraint(name, value, `Member must satisfy regular expression pattern: ${form}`)
    }
    return value
  }

  keyId(name = 'KeyId'): string {
    return this.text(name, 2048)
  }

  optionalNumber(name: string, min: number, max: number): number | undefined {
    if (!this.has(name)) return undefined
    const given = this.#members[name]
    const value = this.#textual && typeof given === 'string' && /^-?\d{1,15}$/.test(given) ? Number(given) : given
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.#wrongType('Integer')
    if (value < min) {
      throw this.constraint(name, String(value), `Member must have value greater than or equal to ${min}`)
    }
    if (value > max) throw this.constraint(name, String(value), `Member must have value less than or equal to ${max}`)
    return value
  }

  /** A number that need not be whole. */
  decimal(name: string, min: number, max: number): number {
    return this.optionalDecimal(name, min, max) ?? this.#missing(name)
  }

  optionalDecimal(name: string, min: number, max: number): number | undefined {
    if (!this.has(name)) return undefined
    const value = this.#double(this.#members[name])
    if (!Number.isFinite(value)) throw this.#wrongType('Double')
    if (value < min) {
      throw this.constraint(name, String(value), `Member must have value greater than or equal to ${min}`)
    }
    if (value > max) throw this.constraint(name, String(value), `Member must have value less than or equal to ${max}`)
    return value
  }

  /** Any double, also what is no number; undefined where it is absent. */
  anyDouble(name: string): number | undefined {
    return this.has(name) ? this.#double(this.#members[name]) : undefined
  }

  /** A list of any doubles; empty where there is none. */
  anyDoubles(name: string): readonly number[] {
    return this.#list(name).map((value) => this.#double(value))
  }

  /** Seconds since the epoch, or ISO 8601 in a form; read as milliseconds. */
  optionalTimestamp(name: string): number | undefined {
    if (!this.has(name)) return undefined
    const value = this.#members[name]
    const date = this.#textual && typeof value === 'string' && ISO_8601.test(value) ? new Date(value) : value
    if (date instanceof Date && !Number.isNaN(date.getTime())) return date.getTime()
    if (typeof value !== 'number' || !(Math.abs(value) <= LAST_SECOND)) throw this.#wrongType('Timestamp')
    return Math.round(value * 1000)
  }

  timestamp(name: string): number {
    return this.optionalTimestamp(name) ?? this.#missing(name)
  }

  blob(name: string, maxBytes: number): Uint8Array {
    const value = this.#members[name]
    if (!this.has(name)) return this.#missing(name)
    const bytes = this.#bytes(value)
    if (bytes.length < 1) throw this.#hidden(name, 'Member must have length greater than or equal to 1')
    if (bytes.length > maxBytes) throw this.#hidden(name, `Member must have length less than or equal to ${maxBytes}`)
    return bytes
  }

  context(name = 'EncryptionContext'): Record<string, string> {
    const value = this.#members[name] ?? {}
    const isMap = typeof value === 'object' && !Array.isArray(value)
    if (!isMap || Object.values(value as object).some((entry) => typeof entry !== 'string'))
      throw this.#wrongType('Map')
    return value as Record<string, string>
  }

  /** A map whose values are texts or lists of texts, as lists; empty where there is none. */
  textLists(name: string): ReadonlyMap<string, readonly string[]> {
    const value = this.#members[name] ?? {}
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#wrongType('Map')
    const entries = Object.entries(value).map(([key, one]) => [key, [one].flat()] as const)
    if (entries.some(([, list]) => list.some((one) => typeof one !== 'string'))) throw this.#wrongType('Map')
    return new Map(entries as [string, string[]][])
  }

  flag(name: string): boolean {
    return this.#members[name] === true || (this.#textual && this.#members[name] === 'true')
  }

  /** As it is where the request does not say. */
  flagOr(name: string, absent: boolean): boolean {
    return this.has(name) ? this.flag(name) : absent
  }

  choice<T extends string>(name: string, values: readonly T[]): T | undefined {
    if (!this.has(name)) return undefined
    const value = this.#members[name]
    if (typeof value !== 'string') throw this.#wrongType('String')
    const found = values.find((candidate) => candidate === value)
    if (found === undefined) {
      throw this.constraint(name, value, `Member must satisfy enum value set: [${values.join(', ')}]`)
    }
    return found
  }

  /** A list of texts; empty where there is none. */
  texts(name: string): readonly string[] {
    const list = this.#list(name)
    if (list.some((value) => typeof value !== 'string')) throw this.#wrongType('List')
    return list as string[]
  }

  /** A list of structures; empty where there is none. */
  structures(name: string): readonly Input[] {
    return this.#list(name).map((value) => this.#structure(value))
  }

  structure(name: string): Input | undefined {
    return this.has(name) ? this.#structure(this.#members[name]) : undefined
  }

  tags(): readonly { TagKey: string; TagValue: string }[] {
    return this.structures('Tags').map((tag) => ({
      TagKey: tag.text('TagKey', 128),
      TagValue: tag.text('TagValue', 256, 0),
    }))
  }

  constraint(name: string, value: string, rule: string): ServiceError {
    return this.invalid(
      `1 validation error detected: Value '${value}' at '${lowerFirst(name)}' failed to satisfy constraint: ${rule}`,
    )
  }

  invalid(message: string): ServiceError {
    return new ServiceError(this.#code, message)
  }

  #bytes(value: unknown): Uint8Array {
    if (value instanceof Uint8Array) return value
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw this.#wrongType('Blob')
    return Buffer.from(value, 'base64')
  }

  #double(value: unknown): number {
    if (typeof value === 'number') return value
    const text = typeof value === 'string' ? value : ''
    const number = this.#textual && NUMBER.test(text) ? Number(text) : DOUBLE_TEXTS.get(text)
    if (number === undefined) throw this.#wrongType('Double')
    return number
  }

  #list(name: string): readonly unknown[] {
    const value = this.#members[name] ?? []
    if (Array.isArray(value)) return value
    // An empty list is an empty text in a form.
    if (this.#textual && value === '') return []
    throw this.#wrongType('List')
  }

  #structure(value: unknown): Input {
    const isStructure = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isStructure || value instanceof Date || value instanceof Uint8Array) throw this.#wrongType('Structure')
    return new Input(value as Members, this.#code, this.#textual)
  }

  /** Values that may be secret are not repeated. */
  #hidden(name: string, rule: string): ServiceError {
    return this.invalid(
      `1 validation error detected: Value at '${lowerFirst(name)}' failed to satisfy constraint: ${rule}`,
    )
  }

  #missing(name: string): never {
    throw this.invalid(
      `1 validation error detected: Value null at '${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`,
    )
  }

  #wrongType(type: string): ServiceError {
    return this.invalid(`A value of the request is not of type ${type}`)
  }
}

const lowerFirst = (name: string) => name[0]!.toLowerCase() + name.slice(1)

/** Which a Date can tell. */
const LAST_SECOND = 8.64e12
const ISO_8601 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
/** How JSON and forms write the doubles that are no numbers. */
const DOUBLE_TEXTS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])
