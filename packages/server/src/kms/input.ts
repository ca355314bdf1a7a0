/** Reads the members of a KMS request, with AWS's validation texts. */
import { validation } from './errors.ts'

export class Input {
  readonly #members: Readonly<Record<string, unknown>>

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null
  }

  optionalText(name: string, maxLength: number, minLength = 0): string | undefined {
    if (!this.has(name)) return undefined
    const value = this.#members[name]
    if (typeof value !== 'string') throw serialization('String')
    if (value.length < minLength) {
      throw constraint(name, value, `Member must have length greater than or equal to ${minLength}`)
    }
    if (value.length > maxLength)
      throw constraint(name, value, `Member must have length less than or equal to ${maxLength}`)
    return value
  }

  text(name: string, maxLength: number, minLength = 1): string {
    return this.optionalText(name, maxLength, minLength) ?? missing(name)
  }

  keyId(name = 'KeyId'): string {
    return this.text(name, 2048)
  }

  optionalNumber(name: string, min: number, max: number): number | undefined {
    if (!this.has(name)) return undefined
    const value = this.#members[name]
    if (typeof value !== 'number' || !Number.isInteger(value)) throw serialization('Integer')
    if (value < min) throw constraint(name, String(value), `Member must have value greater than or equal to ${min}`)
    if (value > max) throw constraint(name, String(value), `Member must have value less than or equal to ${max}`)
    return value
  }

  blob(name: string, maxBytes: number): Uint8Array {
    const value = this.#members[name]
    if (!this.has(name)) return missing(name)
    if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw serialization('Blob')
    const bytes = Buffer.from(value, 'base64')
    if (bytes.length < 1) throw hidden(name, 'Member must have length greater than or equal to 1')
    if (bytes.length > maxBytes) throw hidden(name, `Member must have length less than or equal to ${maxBytes}`)
    return bytes
  }

  context(name = 'EncryptionContext'): Record<string, string> {
    const value = this.#members[name] ?? {}
    const isMap = typeof value === 'object' && !Array.isArray(value)
    if (!isMap || Object.values(value as object).some((entry) => typeof entry !== 'string')) throw serialization('Map')
    return value as Record<string, string>
  }

  flag(name: string): boolean {
    return this.#members[name] === true
  }

  choice<T extends string>(name: string, values: readonly T[]): T | undefined {
    if (!this.has(name)) return undefined
    const value = this.#members[name]
    const found = values.find((candidate) => candidate === value)
    if (found === undefined) {
      throw constraint(name, String(value), `Member must satisfy enum value set: [${values.join(', ')}]`)
    }
    return found
  }

  tags(): readonly { TagKey: string; TagValue: string }[] {
    const value = this.#members.Tags ?? []
    if (!Array.isArray(value)) throw serialization('List')
    return value.map((tag: { TagKey?: unknown; TagValue?: unknown }) => {
      if (typeof tag?.TagKey !== 'string' || typeof tag.TagValue !== 'string') throw serialization('Tag')
      return { TagKey: tag.TagKey, TagValue: tag.TagValue }
    })
  }
}

const lowerFirst = (name: string) => name[0]!.toLowerCase() + name.slice(1)

const constraint = (name: string, value: string, rule: string) =>
  validation(
    `1 validation error detected: Value '${value}' at '${lowerFirst(name)}' failed to satisfy constraint: ${rule}`,
  )

/** Values that may be secret are not repeated. */
const hidden = (name: string, rule: string) =>
  validation(`1 validation error detected: Value at '${lowerFirst(name)}' failed to satisfy constraint: ${rule}`)

function missing(name: string): never {
  throw validation(
    `1 validation error detected: Value null at '${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`,
  )
}

const serialization = (type: string) => validation(`A value of the request is not of type ${type}`)
