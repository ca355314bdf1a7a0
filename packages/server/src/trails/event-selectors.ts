/**
 * Which events a trail logs, by its event selectors (API reference, `EventSelector` and `AdvancedEventSelector`). An event is
 * logged where any one selector takes it.
 */
import type { TrailSelectors } from './trail-records.ts'

export type ReadWriteType = 'ReadOnly' | 'WriteOnly' | 'All'

export interface EventSelector {
  readonly ReadWriteType: ReadWriteType
  readonly IncludeManagementEvents: boolean
  readonly DataResources: readonly DataResource[]
  readonly ExcludeManagementEventSources: readonly string[]
}

export interface DataResource {
  readonly Type: string
  /** Beginnings of ARNs. */
  readonly Values: readonly string[]
}

export interface AdvancedEventSelector {
  readonly Name?: string | undefined
  readonly FieldSelectors: readonly FieldSelector[]
}

export type FieldSelector = { readonly Field: string } & Readonly<Partial<Record<SelectorOperator, readonly string[]>>>

export const SELECTOR_OPERATORS = [
  'Equals',
  'StartsWith',
  'EndsWith',
  'NotEquals',
  'NotStartsWith',
  'NotEndsWith',
] as const
export type SelectorOperator = (typeof SELECTOR_OPERATORS)[number]

/** What selectors ask of an event. */
export interface EventFacts {
  readonly eventCategory: string
  readonly eventSource: string
  readonly eventName: string
  readonly eventType: string
  readonly readOnly: boolean
  readonly userArn: string | undefined
  readonly sessionCredentialFromConsole: boolean
  readonly resources: readonly { readonly type: string; readonly arn: string }[]
}

/** What a trail logs that nobody put selectors for. */
export const DEFAULT_EVENT_SELECTORS: readonly EventSelector[] = [
  { ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] },
]

export function selects(selectors: TrailSelectors | undefined, event: EventFacts): boolean {
  if (selectors?.advanced) return selectors.advanced.some((selector) => takesAdvanced(selector, event))
  return (selectors?.basic ?? DEFAULT_EVENT_SELECTORS).some((selector) => takesBasic(selector, event))
}

/** Whether there may be data events among what is selected. */
export function wantsDataEvents(selectors: TrailSelectors | undefined): boolean {
  if (selectors?.advanced) {
    return selectors.advanced.some(({ FieldSelectors }) =>
      FieldSelectors.some(({ Field, Equals }) => Field === 'eventCategory' && Equals?.includes('Data')),
    )
  }
  return selectors?.basic?.some(({ DataResources }) => DataResources.length > 0) ?? false
}

function takesBasic(selector: EventSelector, event: EventFacts): boolean {
  if (selector.ReadWriteType !== 'All' && (selector.ReadWriteType === 'ReadOnly') !== event.readOnly) return false
  switch (event.eventCategory) {
    case 'Management':
      return selector.IncludeManagementEvents && !selector.ExcludeManagementEventSources.includes(event.eventSource)
    case 'Data':
      return selector.DataResources.some(({ Type, Values }) =>
        event.resources.some(({ type, arn }) => type === Type && Values.some((value) => arn.startsWith(value))),
      )
    default:
      return false
  }
}

/** All fields must fit. Where a type of resource is named, ARNs are asked of the resources of that type. */
function takesAdvanced({ FieldSelectors }: AdvancedEventSelector, event: EventFacts): boolean {
  const types = FieldSelectors.find(({ Field }) => Field === 'resources.type')?.Equals
  const resources = types ? event.resources.filter(({ type }) => types.includes(type)) : event.resources
  return FieldSelectors.every((selector) => fits(selector, FIELDS[selector.Field]?.({ ...event, resources }) ?? []))
}

/**
 * Of one field, what selects needs one of its conditions to hold, and what deselects none (user guide, "Filtering data events
 * by using advanced event selectors").
 */
function fits(selector: FieldSelector, values: readonly string[]): boolean {
  const holds = (operator: SelectorOperator, test: (value: string, wanted: string) => boolean) =>
    selector[operator]?.some((wanted) => values.some((value) => test(value, wanted))) ?? false
  const isSelective = selector.Equals || selector.StartsWith || selector.EndsWith
  if (holds('NotEquals', isSame) || holds('NotStartsWith', isBeginning) || holds('NotEndsWith', isEnd)) return false
  return !isSelective || holds('Equals', isSame) || holds('StartsWith', isBeginning) || holds('EndsWith', isEnd)
}

const isSame = (value: string, wanted: string) => value === wanted
const isBeginning = (value: string, wanted: string) => value.startsWith(wanted)
const isEnd = (value: string, wanted: string) => value.endsWith(wanted)

const FIELDS: Readonly<Record<string, (event: EventFacts) => readonly string[]>> = {
  eventCategory: ({ eventCategory }) => [eventCategory],
  eventSource: ({ eventSource }) => [eventSource],
  eventName: ({ eventName }) => [eventName],
  eventType: ({ eventType }) => [eventType],
  readOnly: ({ readOnly }) => [String(readOnly)],
  sessionCredentialFromConsole: ({ sessionCredentialFromConsole }) => [String(sessionCredentialFromConsole)],
  'userIdentity.arn': ({ userArn }) => (userArn === undefined ? [] : [userArn]),
  'resources.type': ({ resources }) => resources.map(({ type }) => type),
  'resources.ARN': ({ resources }) => resources.map(({ arn }) => arn),
}
