/** ACLs on the wire: canned ones, grants in headers, and the AccessControlPolicy document (AWS S3 API reference). */
import type { Accounts } from '../identity/accounts.ts'
import {
  type Acl,
  type AclOwners,
  cannedAcl,
  GROUPS,
  type Grant,
  type Grantee,
  type Group,
  isCannedAcl,
  PERMISSIONS,
  type Permission,
} from '../policy/acl.ts'
import { ANONYMOUS } from '../policy/call.ts'
import { document, element, raw, type XmlPiece } from '../protocols/xml-writer.ts'
import { S3Error } from './errors.ts'
import { childrenNamed, childText, onlyChild, readXml, type XmlElement } from './xml-reader.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** What a request wants of an ACL; `owner` is set where a document named one, by its canonical id. */
export type RequestedAcl =
  | { readonly canned: string }
  | { readonly grants: readonly Grant[]; readonly owner?: string | undefined }

const GRANT_HEADERS: Readonly<Record<string, Permission>> = {
  'x-amz-grant-full-control': 'FULL_CONTROL',
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
}
const MAX_GRANTS = 100

/** What an ACL may say where the bucket's owner owns all objects (AWS S3 user guide, "Controlling ownership"). */
const HARMLESS = new Set(['private', 'bucket-owner-full-control', 'bucket-owner-read'])
export const isHarmless = (requested: RequestedAcl) => 'canned' in requested && HARMLESS.has(requested.canned)

export const hasAclHeaders = (headers: Headers): boolean =>
  headers['x-amz-acl'] !== undefined || Object.keys(GRANT_HEADERS).some((name) => headers[name] !== undefined)

/** Undefined where no header is about it. Throws S3Error. */
export function readAclHeaders(accounts: Accounts, headers: Headers): RequestedAcl | undefined {
  const canned = headers['x-amz-acl']
  const grants = Object.entries(GRANT_HEADERS).flatMap(([name, permission]) =>
    headers[name] === undefined ? [] : readGrantees(accounts, name, String(headers[name]), permission),
  )
  if (canned === undefined) return grants.length > 0 ? { grants } : undefined
  if (grants.length > 0) {
    throw new S3Error('InvalidRequest', {
      message: 'Specifying both Canned ACLs and Header Grants is not allowed',
    })
  }
  if (!isCannedAcl(String(canned))) throw invalid('', 'x-amz-acl', String(canned))
  return { canned: String(canned) }
}

/** `id="…", uri="…", emailAddress="…"` */
function readGrantees(accounts: Accounts, header: string, text: string, permission: Permission): Grant[] {
  return text.split(',').map((one) => {
    const [, type, value] = /^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*?)"?\s*$/i.exec(one) ?? []
    if (type === undefined || value === undefined) throw invalid('Argument format not recognized', header, one.trim())
    return { grantee: granteeOf(accounts, type, value), permission }
  })
}

/** `type` is what a header calls it; `argument` is the name that errors have for it. */
function granteeOf(accounts: Accounts, type: string, value: string, argument = type): Grantee {
  switch (type.toLowerCase()) {
    case 'id': {
      const accountId = accountOf(accounts, value)
      if (accountId === undefined) throw invalid('Invalid id', argument, value)
      return { accountId }
    }
    case 'uri': {
      const group = (Object.keys(GROUPS) as Group[]).find((one) => GROUPS[one] === value)
      if (!group) throw invalid('Invalid group uri', argument, value)
      return { group }
    }
    default: {
      const found = accounts.findByEmail(value)
      if (!found) throw new S3Error('UnresolvableGrantByEmailAddress')
      return { accountId: found.accountId }
    }
  }
}

/** Throws S3Error MalformedACLError, InvalidArgument or UnresolvableGrantByEmailAddress. */
export function readAclDocument(accounts: Accounts, bytes: Uint8Array): RequestedAcl {
  const root = readXml(bytes)
  const owner = onlyChild(root, 'Owner')
  const list = onlyChild(root, 'AccessControlList')
  const ownerId = owner && childText(owner, 'ID')
  if (root.name !== 'AccessControlPolicy' || ownerId === undefined || !list) throw new S3Error('MalformedACLError')
  return { owner: ownerId, grants: readGrants(accounts, list) }
}

/** The `Grant` elements of a list. Throws as `readAclDocument`. */
export function readGrants(accounts: Accounts, list: XmlElement): Grant[] {
  const grants = childrenNamed(list, 'Grant')
  if (grants.length > MAX_GRANTS) throw new S3Error('MalformedACLError')
  return grants.map((grant) => readGrant(accounts, grant))
}

const GRANTEES = [
  ['ID', 'id', 'CanonicalUser/ID'],
  ['URI', 'uri', 'Group/URI'],
  ['EmailAddress', 'emailAddress', 'AmazonCustomerByEmail/EmailAddress'],
] as const

function readGrant(accounts: Accounts, grant: XmlElement): Grant {
  const grantee = onlyChild(grant, 'Grantee')
  const permission = PERMISSIONS.find((one) => one === childText(grant, 'Permission'))
  const found = GRANTEES.find(([name]) => grantee && childText(grantee, name) !== undefined)
  if (!grantee || !permission || !found) throw new S3Error('MalformedACLError')
  const [name, type, argument] = found
  return { grantee: granteeOf(accounts, type, childText(grantee, name)!, argument), permission }
}

/** Throws S3Error AccessDenied where a document names another owner than there is. */
export function toAcl(accounts: Accounts, requested: RequestedAcl, owners: AclOwners): Acl {
  if ('canned' in requested) return cannedAcl(requested.canned, owners)
  if (requested.owner !== undefined && requested.owner !== ownerFacts(accounts, owners.owner).canonicalId) {
    throw new S3Error('AccessDenied')
  }
  return requested.grants
}

/** The account's, or those of whoever sends no signature. */
export const ownerFacts = (accounts: Accounts, accountId: string) =>
  accountId === ANONYMOUS.accountId ? ANONYMOUS : accounts.find(accountId)

const accountOf = (accounts: Accounts, canonicalId: string) =>
  canonicalId === ANONYMOUS.canonicalId ? ANONYMOUS.accountId : accounts.findByCanonicalId(canonicalId)?.accountId

/** `ID` and `DisplayName` of an account. */
export function canonicalUser(accounts: Accounts, accountId: string): XmlPiece[] {
  const { canonicalId, displayName } = ownerFacts(accounts, accountId)
  return [element('ID', canonicalId), element('DisplayName', displayName)]
}

export function aclDocument(accounts: Accounts, owner: string, acl: Acl): string {
  return document('AccessControlPolicy', [
    element('Owner', canonicalUser(accounts, owner)),
    element('AccessControlList', grantElements(accounts, acl)),
  ])
}

export const grantElements = (accounts: Accounts, acl: Acl): XmlPiece[] =>
  acl.map(({ grantee, permission }) =>
    element('Grant', [granteeElement(accounts, grantee), element('Permission', permission)]),
  )

function granteeElement(accounts: Accounts, grantee: Grantee): XmlPiece {
  const [type, content] =
    'group' in grantee
      ? ['Group', [element('URI', GROUPS[grantee.group])]]
      : ['CanonicalUser', canonicalUser(accounts, grantee.accountId)]
  const inner = (content as XmlPiece[]).map(({ markup }) => markup).join('')
  return raw(`<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${inner}</Grantee>`)
}

const invalid = (message: string, argument: string, value: string) =>
  new S3Error('InvalidArgument', { message, fields: { ArgumentName: argument, ArgumentValue: value } })
