import { S3Error } from '../../errors.ts'
import type { S3Request } from '../../operation.ts'

/** The id of one of several configurations of a kind. Throws S3Error InvalidConfigurationId. */
export function readConfigurationId({ query }: S3Request): string {
  const id = query.get('id') ?? ''
  if (!/^[\w.-]{1,64}$/.test(id)) throw new S3Error('InvalidConfigurationId')
  return id
}
