/** STS's condition keys as rows (Service Authorization Reference, "Condition keys for AWS Security Token Service"). */
import { type KeyTable, tagValue } from '../policy/condition-keys.ts'

/** What a request for a session says. */
export interface SessionRequest {
  readonly sessionName: string
  readonly durationSeconds: number
  readonly externalId?: string | undefined
  readonly sourceIdentity?: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly transitiveTagKeys: readonly string[]
  /** Of the role that is asked for. */
  readonly roleTags: Readonly<Record<string, string>>
  /** Claims of a web identity's token, by condition key in lower case, e.g. `issuer.example.com:sub`. */
  readonly claims?: Readonly<Record<string, string | readonly string[]>>
}

const present = (list: readonly string[]) => (list.length === 0 ? undefined : list)

export const STS_KEYS: KeyTable<SessionRequest> = {
  keys: {
    'sts:rolesessionname': ({ sessionName }) => sessionName,
    'sts:durationseconds': ({ durationSeconds }) => durationSeconds,
    'sts:externalid': ({ externalId }) => externalId,
    'sts:sourceidentity': ({ sourceIdentity }) => sourceIdentity,
    'sts:transitivetagkeys': ({ transitiveTagKeys }) => present(transitiveTagKeys),
    'aws:tagkeys': ({ tags }) => present(Object.keys(tags)),
  },
  families: {
    'aws:requesttag/': ({ tags }, key) => tagValue(tags, key),
    'aws:resourcetag/': ({ roleTags }, key) => tagValue(roleTags, key),
    'iam:resourcetag/': ({ roleTags }, key) => tagValue(roleTags, key),
  },
}
