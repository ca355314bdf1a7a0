/** Metrics put, and which there are. */

import { readData } from './datum-input.ts'
import { invalidValue } from './errors.ts'
import { metricShape, readNamespace } from './metric-input.ts'
import { type CloudWatchOperations, readToken, requireMay, scopeOf, writeToken } from './services.ts'

const PAGE = 500
const MOST_FILTERS = 10
const THREE_HOURS_MS = 3 * 3_600_000
/** What the services of the server publish themselves. */
const RESERVED = /^(AWS\/|Strongroom(\/|$))/

export const METRIC_OPERATIONS = {
  PutMetricData: {
    readOnly: false,
    audit: 'data',
    async run({ metrics, clock }, call, input) {
      const namespace = readNamespace(input)
      requireMay(call, 'PutMetricData', '*', { namespace })
      if (RESERVED.test(namespace)) throw invalidValue(`The value ${namespace} for parameter Namespace is invalid.`)
      await metrics.put(scopeOf(call), readData(input, namespace, clock.nowMs()))
      return {}
    },
  },
  ListMetrics: {
    readOnly: true,
    audit: 'data',
    async run({ metrics }, call, input) {
      requireMay(call, 'ListMetrics')
      const filters = input.structures('Dimensions')
      if (filters.length > MOST_FILTERS) {
        throw invalidValue(`The collection Dimensions must not have a size greater than ${MOST_FILTERS}.`)
      }
      const recently = input.choice('RecentlyActive', ['PT3H'] as const)
      const after = readToken(input)
      const { metrics: found, next } = await metrics.list(
        scopeOf(call),
        {
          namespace: input.has('Namespace') ? readNamespace(input) : undefined,
          name: input.optionalText('MetricName', 255, 1),
          dimensions: filters.map((one) => ({
            name: one.text('Name', 255),
            value: one.optionalText('Value', 1024, 1),
          })),
          recentlyActiveMs: recently && THREE_HOURS_MS,
        },
        { limit: PAGE, after: after && Buffer.from(after).toString() },
      )
      return { Metrics: found.map(metricShape), NextToken: next === undefined ? undefined : writeToken(next) }
    },
  },
} satisfies CloudWatchOperations
