/** Which events a trail logs. */
import type { Input } from '../protocols/input.ts'
import type { Output } from '../protocols/service-door.ts'
import {
  type AdvancedEventSelector,
  DEFAULT_EVENT_SELECTORS,
  type EventSelector,
  type FieldSelector,
  SELECTOR_OPERATORS,
  wantsDataEvents,
} from '../trails/event-selectors.ts'
import { requireAdvancedEventSelectors, requireEventSelectors } from '../trails/selector-rules.ts'
import type { Trail, TrailSelectors } from '../trails/trail-records.ts'
import { trailError } from './errors.ts'
import type { TrailOperations } from './services.ts'
import { namedTrail, trailAtHome } from './trail-operations.ts'

export const SELECTOR_OPERATIONS = {
  PutEventSelectors: {
    readOnly: false,
    async run(services, call, input) {
      const trail = await trailAtHome(services, call, input, 'PutEventSelectors', 'TrailName')
      const selectors = readSelectors(input)
      const nowMs = services.clock.nowMs()
      const changed = await services.trails.change(trail, (current) => ({
        ...current,
        selectors,
        dataEventsSinceMs: wantsDataEvents(selectors) ? (current.dataEventsSinceMs ?? nowMs) : undefined,
      }))
      return shape(changed)
    },
  },
  GetEventSelectors: {
    readOnly: true,
    async run(services, call, input) {
      return shape(await namedTrail(services, call, input, 'GetEventSelectors', 'TrailName'))
    },
  },
} satisfies TrailOperations

function shape({ arn, selectors }: Trail): Output {
  if (selectors?.advanced) return { TrailARN: arn, AdvancedEventSelectors: selectors.advanced }
  return { TrailARN: arn, EventSelectors: selectors?.basic ?? DEFAULT_EVENT_SELECTORS }
}

/** Of a field, an operator that is not there and one that is empty are told apart by the rules. */
function readSelectors(input: Input): TrailSelectors {
  const isAdvanced = input.has('AdvancedEventSelectors')
  if (isAdvanced === input.has('EventSelectors')) {
    throw trailError('InvalidEventSelectors', 'Specify either EventSelectors or AdvancedEventSelectors.')
  }
  if (isAdvanced) {
    const advanced = input.structures('AdvancedEventSelectors').map(readAdvancedSelector)
    requireAdvancedEventSelectors(advanced)
    return { advanced }
  }
  const basic = input.structures('EventSelectors').map(readSelector)
  requireEventSelectors(basic)
  return { basic }
}

const readSelector = (selector: Input): EventSelector => ({
  ReadWriteType: selector.choice('ReadWriteType', ['ReadOnly', 'WriteOnly', 'All'] as const) ?? 'All',
  IncludeManagementEvents: !selector.has('IncludeManagementEvents') || selector.flag('IncludeManagementEvents'),
  DataResources: selector
    .structures('DataResources')
    .map((resource) => ({ Type: resource.text('Type', 256), Values: resource.texts('Values') })),
  ExcludeManagementEventSources: selector.texts('ExcludeManagementEventSources'),
})

function readAdvancedSelector(selector: Input): AdvancedEventSelector {
  const name = selector.optionalText('Name', 1000)
  selector.required('FieldSelectors')
  return {
    ...(name !== undefined && { Name: name }),
    FieldSelectors: selector.structures('FieldSelectors').map(readFieldSelector),
  }
}

function readFieldSelector(selector: Input): FieldSelector {
  const given = SELECTOR_OPERATORS.filter((operator) => selector.has(operator))
  return {
    Field: selector.matching('Field', '[\\w.]+', 1000),
    ...Object.fromEntries(given.map((operator) => [operator, selector.texts(operator)])),
  }
}
