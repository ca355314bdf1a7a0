/** Names and ARNs of trails, and what CloudTrail says of those that cannot be. */
import { Fault, type TrailRefusal } from '../core/fault.ts'

export interface TrailReference {
  readonly accountId: string
  readonly region: string
  readonly name: string
}

export const trailArn = ({ accountId, region, name }: TrailReference) =>
  `arn:aws:cloudtrail:${region}:${accountId}:trail/${name}`

/** Throws TrailRefused. */
export function requireTrailName(name: string): string {
  for (const [broken, message] of RULES) {
    if (broken(name)) throw refusedTrail('InvalidTrailName', message(name))
  }
  return name
}

/** A name is one of a trail of the caller's in its region. Throws TrailRefused. */
export function readTrailReference(text: string, accountId: string, region: string): TrailReference {
  if (!text.startsWith('arn:')) return { accountId, region, name: requireTrailName(text) }
  const [, , ofRegion, ofAccount, name] = ARN.exec(text) ?? []
  if (name === undefined) {
    throw refusedTrail('CloudTrailARNInvalid', `The specified trail ARN is not valid: ${text}`)
  }
  return { accountId: ofAccount!, region: ofRegion!, name: requireTrailName(name) }
}

export const refusedTrail = (refusal: TrailRefusal, message: string) => new Fault('TrailRefused', { refusal, message })

const ARN = /^arn:(aws[\w-]*):cloudtrail:([a-z0-9-]+):(\d{12}):trail\/([^/]+)$/

const length = (name: string) => `Specified name length: ${name.length} characters.`
const RULES: readonly (readonly [broken: (name: string) => boolean, message: (name: string) => string])[] = [
  [(name) => name.trim() === '', () => 'Trail name cannot be blank!'],
  [(name) => name.length < 3, (name) => `Trail name too short. Minimum allowed length: 3 characters. ${length(name)}`],
  [
    (name) => name.length > 128,
    (name) => `Trail name too long. Maximum allowed length: 128 characters. ${length(name)}`,
  ],
  [(name) => !/^[A-Za-z0-9]/.test(name), () => 'Trail name must starts with a letter or number.'],
  [(name) => !/[A-Za-z0-9]$/.test(name), () => 'Trail name must ends with a letter or number.'],
  [
    (name) => !/^[A-Za-z0-9._-]+$/.test(name),
    () =>
      'Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).',
  ],
  [
    (name) => /[._-]{2}/.test(name),
    () => 'Trail name cannot have adjacent periods (.), hyphens (-), or underscores (_).',
  ],
  [(name) => /^\d{1,3}(\.\d{1,3}){3}$/.test(name), () => 'Trail name cannot be in IP address format.'],
]
