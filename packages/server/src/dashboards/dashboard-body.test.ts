import { expect, test } from 'vitest'
import { checkDashboardBody } from './dashboard-body.ts'

const place = { x: 0, y: 0, width: 6, height: 6 }
const widget = (type: string, properties: object | undefined, rest: object = {}) => ({
  widgets: [{ type, ...place, ...(properties && { properties }), ...rest }],
})
const metric = (properties: object) => widget('metric', { region: 'us-east-1', ...properties })
const at = '/widgets/0/properties'

test.each<[string, unknown, string[]]>([
  ['no widgets', { widgets: [] }, []],
  [
    'a metric',
    metric({ metrics: [['N', 'M', 'D', 'V', { stat: 'Sum' }], ['.', 'M2', '.', '.'], [{ expression: 'm1' }]] }),
    [],
  ],
  [
    'a metric as the one before',
    metric({
      metrics: [
        ['N', 'M', 'D', 'V'],
        ['...', 'W'],
      ],
    }),
    [],
  ],
  ['a text', widget('text', { markdown: '# x' }), []],
  ['a log', widget('log', { query: 'fields @message' }), []],
  ['an alarm', widget('alarm', { alarms: [] }), []],
  ['annotations without metrics', metric({ annotations: { alarms: ['arn'] } }), []],
  ['a list', [], [' Should be object']],
  ['nothing', {}, [" Should have required property 'widgets'"]],
  ['widgets that are none', { widgets: {} }, ['/widgets Should be array']],
  ['a widget that is none', { widgets: [1] }, ['/widgets/0 Should be object']],
  ['no type', { widgets: [{ properties: {} }] }, ["/widgets/0 Should have required property 'type'"]],
  ['another type', widget('clock', {}), ['/widgets/0/type Should be equal to one of the allowed values']],
  ['no properties', widget('text', undefined), ["/widgets/0 Should have required property 'properties'"]],
  ['a text without one', widget('text', {}), [`${at} Should have required property 'markdown'`]],
  ['a metric without one', metric({}), [`${at} Should have required property 'metrics'`]],
  [
    'a number as a field',
    metric({ metrics: [['N', 1]] }),
    [`${at}/metrics/0 Invalid metric field type, only 'String' type is allowed`],
  ],
  [
    'a dimension without a value',
    metric({ metrics: [['N', 'M', 'D']] }),
    [`${at}/metrics/0 Should have a namespace, a metric name, and a value for the name of each dimension`],
  ],
  ['a metric that is no list', metric({ metrics: ['N'] }), [`${at}/metrics/0 Should be array`]],
  ['another view', metric({ metrics: [], view: 'globe' }), [`${at}/view Should be equal to one of the allowed values`]],
  ['too wide', widget('text', { markdown: '' }, { width: 25 }), ['/widgets/0/width Should be <= 24']],
  [
    'half a place',
    widget('text', { markdown: '' }, { y: undefined }),
    ['/widgets/0 Should have property y when property is present'],
  ],
])('%s', (_what, body, errors) => {
  const found = checkDashboardBody(JSON.stringify(body)).errors.map(({ dataPath, message }) => `${dataPath} ${message}`)
  expect(found).toEqual(errors)
})

test('what is no JSON, and a Region that is missing', () => {
  expect(checkDashboardBody('{').errors).toEqual([
    { dataPath: '', message: 'The field DashboardBody must be a valid JSON object' },
  ])
  const { errors, warnings } = checkDashboardBody(JSON.stringify(widget('metric', { metrics: [] })))
  expect({ errors, warnings }).toEqual({
    errors: [],
    warnings: [{ dataPath: at, message: "Should have required property 'region'" }],
  })
})
