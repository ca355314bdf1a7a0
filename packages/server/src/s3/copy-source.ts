import { S3Error } from './errors.ts'

/** `/bucket/key?versionId=…`, url-encoded, the leading slash being optional. */
export function readCopySource(header: string): { bucket: string; objectKey: string; versionId: string | undefined } {
  const invalid = () =>
    new S3Error('InvalidArgument', {
      message: 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      fields: { ArgumentName: 'x-amz-copy-source', ArgumentValue: header },
    })
  const mark = header.lastIndexOf('?versionId=')
  const versionId = mark < 0 ? undefined : header.slice(mark + '?versionId='.length)
  let path: string
  try {
    path = decodeURIComponent(mark < 0 ? header : header.slice(0, mark))
  } catch {
    throw invalid()
  }
  if (path.startsWith('/')) path = path.slice(1)
  const slash = path.indexOf('/')
  if (slash < 1 || slash === path.length - 1) throw invalid()
  return { bucket: path.slice(0, slash), objectKey: path.slice(slash + 1), versionId }
}
