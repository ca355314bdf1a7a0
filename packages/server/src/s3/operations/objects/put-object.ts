import { S3Error } from '../../errors.ts'
import { conditions } from '../../object-headers.ts'
import type { Operation } from '../../operation.ts'
import { writeNeeds } from '../../requested-access.ts'
import { tagsOfWrite } from '../../tags.ts'
import { refuseUnsupportedHeaders } from './unsupported-headers.ts'
import { writeObject } from './write-object.ts'

export const putObject: Operation = {
  name: 'PutObject',
  method: 'PUT',
  target: 'object',
  action: 's3:PutObject',
  access: (request) => writeNeeds(request, tagsOfWrite(request)),
  audit: 'data',
  readOnly: false,
  body: { kind: 'stream' },
  async run(services, request) {
    const { headers } = request
    refuseUnsupportedHeaders(headers)
    // Half of what names a part must not become an object.
    for (const name of ['uploadId', 'partNumber']) {
      if (request.query.has(name)) {
        const message = `This operation does not accept ${name} alone; a part is named by uploadId and partNumber.`
        throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: name } })
      }
    }
    const write = { tags: tagsOfWrite(request), conditions: conditions(headers) }
    return { status: 200, headers: (await writeObject(services, request, write)).headers }
  },
}
