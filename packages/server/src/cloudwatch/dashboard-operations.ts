/** Dashboards put, shown, listed, deleted. */
import { checkDashboardBody, type DashboardMessage } from '../dashboards/dashboard-body.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { cloudWatchError, invalidValue } from './errors.ts'
import { type CloudWatchOperations, readToken, requireMay, writeToken } from './services.ts'

const PAGE = 1000
const MAX_BODY_CHARACTERS = 1_000_000

export const DASHBOARD_OPERATIONS = {
  PutDashboard: {
    readOnly: false,
    async run({ dashboards }, call, input) {
      const name = dashboardName(input)
      requireMay(call, 'PutDashboard', dashboardArn(call, name))
      const body = input.text('DashboardBody', MAX_BODY_CHARACTERS, 0)
      const { errors, warnings } = checkDashboardBody(body)
      if (errors.length > 0) {
        const only = errors.length === 1 && errors[0]!.dataPath === '' ? errors[0]!.message : undefined
        const message =
          only ??
          `The dashboard body is invalid, there are ${errors.length} validation errors:\n${JSON.stringify(errors, null, 2)}`
        throw cloudWatchError('DashboardInvalidInputError', message, {
          members: { dashboardValidationMessages: errors.map(messageShape) },
        })
      }
      await dashboards.put(call.principal.accountId, name, body)
      return { DashboardValidationMessages: warnings.map(messageShape) }
    },
  },
  GetDashboard: {
    readOnly: true,
    async run({ dashboards }, call, input) {
      const name = dashboardName(input)
      requireMay(call, 'GetDashboard', dashboardArn(call, name))
      const dashboard = await dashboards.find(call.principal.accountId, name)
      if (!dashboard) throw cloudWatchError('DashboardNotFoundError', `Dashboard ${name} does not exist`)
      return {
        DashboardArn: dashboardArn(call, name),
        DashboardBody: dashboard.body,
        DashboardName: name,
      }
    },
  },
  ListDashboards: {
    readOnly: true,
    async run({ dashboards }, call, input) {
      requireMay(call, 'ListDashboards')
      const prefix = input.optionalText('DashboardNamePrefix', 255) ?? ''
      const after = Buffer.from(readToken(input) ?? []).toString()
      const all = await dashboards.list(call.principal.accountId, prefix)
      const rest = all.filter(({ dashboardName: name }) => name > after)
      const page = rest.slice(0, PAGE)
      return {
        DashboardEntries: page.map(({ dashboardName: name, body, modifiedAtMs }) => ({
          DashboardName: name,
          DashboardArn: dashboardArn(call, name),
          LastModified: new Date(modifiedAtMs),
          Size: Buffer.byteLength(body),
        })),
        NextToken: rest.length > PAGE ? writeToken(page.at(-1)!.dashboardName) : undefined,
      }
    },
  },
  DeleteDashboards: {
    readOnly: false,
    async run({ dashboards }, call, input) {
      input.required('DashboardNames')
      const names = input.texts('DashboardNames')
      if (names.length === 0 || names.length > 100) {
        throw invalidValue('The collection DashboardNames must have between 1 and 100 members.')
      }
      for (const name of names) requireMay(call, 'DeleteDashboards', dashboardArn(call, name))
      const absent = await dashboards.delete(call.principal.accountId, names)
      if (absent.length > 0) {
        throw cloudWatchError('DashboardNotFoundError', `Dashboard ${absent.join(', ')} does not exist`)
      }
      return {}
    },
  },
} satisfies CloudWatchOperations

/** Dashboards are of an account, in all its Regions. */
const dashboardArn = (call: CallContext, name: string) =>
  `arn:aws:cloudwatch::${call.principal.accountId}:dashboard/${name}`

function dashboardName(input: Input): string {
  const name = input.text('DashboardName', 255)
  if (/^[A-Za-z0-9_-]+$/.test(name)) return name
  throw cloudWatchError(
    'DashboardInvalidInputError',
    `The value ${name} for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).`,
  )
}

const messageShape = ({ dataPath, message }: DashboardMessage) => ({ DataPath: dataPath, Message: message })
