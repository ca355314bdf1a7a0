/** Which event selectors can be (API reference, `PutEventSelectors`, `EventSelector`, `AdvancedFieldSelector`). */
import {
  type AdvancedEventSelector,
  type EventSelector,
  type FieldSelector,
  SELECTOR_OPERATORS,
} from './event-selectors.ts'
import { refusedTrail } from './trail-name.ts'

/** Throws TrailRefused. */
export function requireEventSelectors(selectors: readonly EventSelector[]): void {
  if (selectors.length === 0) throw invalid('A trail needs at least one event selector.')
  if (selectors.length > MOST_SELECTORS) {
    throw invalid(`A trail can have up to ${MOST_SELECTORS} event selectors; the request has ${selectors.length}.`)
  }
  for (const selector of selectors) requireEventSelector(selector)
  const values = selectors.flatMap(({ DataResources }) => DataResources.flatMap(({ Values }) => Values))
  if (values.length > MOST_DATA_RESOURCES) {
    throw invalid(`A trail can have up to ${MOST_DATA_RESOURCES} data resources; the request has ${values.length}.`)
  }
}

function requireEventSelector(selector: EventSelector): void {
  const { IncludeManagementEvents, DataResources, ExcludeManagementEventSources } = selector
  if (!IncludeManagementEvents && DataResources.length === 0) {
    throw invalid('An event selector must include management events or name data resources.')
  }
  for (const source of ExcludeManagementEventSources) {
    if (!EXCLUDABLE.includes(source)) throw invalid(`Management events of ${source} cannot be excluded.`)
  }
  if (!IncludeManagementEvents && ExcludeManagementEventSources.length > 0) {
    throw invalid('ExcludeManagementEventSources needs IncludeManagementEvents to be true.')
  }
  for (const { Type, Values } of DataResources) {
    const form = DATA_RESOURCES[Type]
    if (!form) throw invalid(`Value ${Type} for DataResources.Type is invalid.`)
    if (Values.length === 0) throw invalid('DataResources.Values must have at least one value.')
    const wrong = Values.find((value) => !form.test(value))
    if (wrong !== undefined) throw invalid(`Value ${wrong} for DataResources.Values is invalid.`)
  }
}

/** Throws TrailRefused. */
export function requireAdvancedEventSelectors(selectors: readonly AdvancedEventSelector[]): void {
  if (selectors.length === 0) throw invalid('A trail needs at least one event selector.')
  for (const { FieldSelectors } of selectors) requireFieldSelectors(FieldSelectors)
  const values = selectors.flatMap(({ FieldSelectors }) =>
    FieldSelectors.flatMap((one) => SELECTOR_OPERATORS.flatMap((operator) => one[operator] ?? [])),
  )
  if (values.length > MOST_VALUES) {
    throw invalid(`The selectors of a trail can have up to ${MOST_VALUES} values; the request has ${values.length}.`)
  }
}

function requireFieldSelectors(selectors: readonly FieldSelector[]): void {
  const fields = selectors.map(({ Field }) => Field)
  if (new Set(fields).size < fields.length) throw invalid('A field can be in a selector once only.')
  const category = selectors.find(({ Field }) => Field === 'eventCategory')?.Equals?.[0]
  if (category === undefined) throw invalid('A selector needs the field eventCategory with the operator Equals.')
  const rules = Object.hasOwn(CATEGORIES, category) ? CATEGORIES[category] : undefined
  if (!rules) throw invalid(`The eventCategory ${category} cannot be logged by a trail of this server.`)
  for (const needed of rules.needed) {
    if (!fields.includes(needed)) throw invalid(`A selector of ${category} events needs the field ${needed}.`)
  }
  for (const selector of selectors) {
    if (!rules.fields.includes(selector.Field)) {
      throw invalid(`The field ${selector.Field} is not valid for ${category} events.`)
    }
    requireOperators(selector)
  }
}

function requireOperators(selector: FieldSelector): void {
  const { Field } = selector
  const used = SELECTOR_OPERATORS.filter((operator) => selector[operator] !== undefined)
  if (used.length === 0) throw invalid(`The field ${Field} needs an operator.`)
  if (used.some((operator) => selector[operator]!.length === 0)) throw invalid(`An operator of ${Field} has no value.`)
  const only = EQUALS_ONLY[Field]
  if (!only) return
  if (used.length > 1 || used[0] !== 'Equals') throw invalid(`The field ${Field} takes the operator Equals only.`)
  const [value, ...more] = selector.Equals!
  if (more.length > 0) throw invalid(`The field ${Field} takes one value.`)
  if (!only.test(value!)) throw invalid(`The value ${value} is not valid for the field ${Field}.`)
}

const invalid = (message: string) => refusedTrail('InvalidEventSelectors', message)

const MOST_SELECTORS = 5
const MOST_DATA_RESOURCES = 250
const MOST_VALUES = 500
const EXCLUDABLE: readonly string[] = ['kms.amazonaws.com', 'rdsdata.amazonaws.com']

/** Of the types other than S3's there are no events here. */
const DATA_RESOURCES: Readonly<Record<string, RegExp>> = {
  'AWS::S3::Object': /^arn:aws:s3(:::([a-z0-9][a-z0-9.-]+\/.*)?)?$/s,
  'AWS::Lambda::Function': /^arn:aws:lambda(:|$)/,
  'AWS::DynamoDB::Table': /^arn:aws:dynamodb(:|$)/,
}

const COMMON = ['eventCategory', 'readOnly', 'eventSource', 'eventName', 'eventType', 'userIdentity.arn']
const CATEGORIES: Readonly<Record<string, { readonly needed: readonly string[]; readonly fields: readonly string[] }>> =
  {
    Management: { needed: [], fields: [...COMMON, 'sessionCredentialFromConsole'] },
    Data: {
      needed: ['resources.type'],
      fields: [...COMMON, 'sessionCredentialFromConsole', 'resources.type', 'resources.ARN'],
    },
  }

/** These take one value by `Equals`. */
const EQUALS_ONLY: Readonly<Record<string, RegExp>> = {
  eventCategory: /^/,
  readOnly: /^(true|false)$/,
  'resources.type': /^AWS::\w+::\w+$/,
}
