/** The alarms room on memory, with a clock that tests turn, for its tests. */
import { SeriesStore } from '../metrics/series-store.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { AlarmEvaluator } from './alarm-evaluator.ts'
import type { AlarmConfiguration } from './alarm-records.ts'
import { Alarms } from './alarms.ts'

export const scope = { accountId: '000000000000', region: 'us-east-1' }
/** A whole day. */
export const START_MS = 1_800_057_600_000

export function makeRoom() {
  const clock = {
    ms: START_MS,
    nowMs() {
      return this.ms
    },
  }
  const catalog = new MemoryCatalog()
  const records = new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(9)).derive('records'))
  const alarms = new Alarms(records, clock)
  const store = new SeriesStore({ catalog: new MemoryCatalog(), clock })
  /** Which alarms' metrics were read, by the metric's name. */
  const read: string[] = []
  const failures: string[] = []
  const evaluator = () =>
    new AlarmEvaluator({
      ...{ records, alarms, clock },
      metrics: {
        read: (of, query) => {
          read.push(query.metric.name)
          return store.read(of, query)
        },
      },
      serviceQuota: async () => 100,
      onFailure: (alarmName, error) => failures.push(`${alarmName}: ${error.message}`),
    })
  const put = (name: string, value: number) =>
    store.put(scope, [
      {
        ...{ metric: metricOf(name), atMs: clock.ms, unit: 'None', highResolution: true },
        data: { values: [value], counts: [1] },
      },
    ])
  const stateOf = async (alarmName: string) => (await alarms.find(scope, alarmName))?.state.value
  return { clock, catalog, records, alarms, store, evaluator, put, stateOf, read, failures }
}

export const metricOf = (name: string) => ({ namespace: 'N', name, dimensions: [] })

/** ALARM above 5, in one period of ten seconds. */
export const configuration = (alarmName: string, rest: Partial<AlarmConfiguration> = {}): AlarmConfiguration => ({
  ...{ alarmName, actionsEnabled: true, okActions: [], alarmActions: [], insufficientDataActions: [] },
  watched: { metric: metricOf(alarmName), periodSeconds: 10, statistic: 'Average' },
  ...{
    evaluationPeriods: 1,
    threshold: 5,
    comparisonOperator: 'GreaterThanThreshold',
    treatMissingData: 'notBreaching',
  },
  ...rest,
})
