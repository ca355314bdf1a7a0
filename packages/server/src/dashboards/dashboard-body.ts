/**
 * What is wrong with a dashboard's body (CloudWatch API reference, "Dashboard Body Structure and Syntax"). Some mistakes
 * keep it from being put; others are told and the dashboard is put all the same.
 */

export interface DashboardMessage {
  readonly dataPath: string
  readonly message: string
}

export interface BodyFindings {
  readonly errors: readonly DashboardMessage[]
  readonly warnings: readonly DashboardMessage[]
}

type Members = Readonly<Record<string, unknown>>

const GRID_COLUMNS = 24
const MOST_ROWS = 1000
const MOST_WIDGETS = 500
const MOST_METRICS = 500
const WIDGET_TYPES = ['metric', 'text', 'log', 'alarm', 'explorer', 'custom']
const VIEWS = ['timeSeries', 'singleValue', 'gauge', 'bar', 'pie', 'table']

export function checkDashboardBody(json: string): BodyFindings {
  let body: unknown
  try {
    body = JSON.parse(json)
  } catch {
    return { errors: [{ dataPath: '', message: 'The field DashboardBody must be a valid JSON object' }], warnings: [] }
  }
  const findings = new Findings()
  if (!isObject(body)) findings.error('', 'Should be object')
  else if (body.widgets === undefined) findings.error('', "Should have required property 'widgets'")
  else if (!Array.isArray(body.widgets)) findings.error('/widgets', 'Should be array')
  else {
    if (body.widgets.length > MOST_WIDGETS) {
      findings.error('/widgets', `Should NOT have more than ${MOST_WIDGETS} items`)
    }
    for (const [at, widget] of body.widgets.entries()) checkWidget(findings, `/widgets/${at}`, widget)
  }
  return findings
}

class Findings implements BodyFindings {
  readonly errors: DashboardMessage[] = []
  readonly warnings: DashboardMessage[] = []

  error(dataPath: string, message: string): void {
    this.errors.push({ dataPath, message })
  }

  warn(dataPath: string, message: string): void {
    this.warnings.push({ dataPath, message })
  }
}

function checkWidget(findings: Findings, path: string, widget: unknown): void {
  if (!isObject(widget)) {
    findings.error(path, 'Should be object')
    return
  }
  checkPlace(findings, path, widget)
  const { type, properties } = widget
  if (type === undefined) {
    findings.error(path, "Should have required property 'type'")
    return
  }
  if (!WIDGET_TYPES.includes(type as string)) {
    findings.error(`${path}/type`, 'Should be equal to one of the allowed values')
    return
  }
  if (properties === undefined) {
    findings.error(path, "Should have required property 'properties'")
    return
  }
  if (!isObject(properties)) {
    findings.error(`${path}/properties`, 'Should be object')
    return
  }
  const at = `${path}/properties`
  if (type === 'metric') checkMetricWidget(findings, at, properties)
  if (type === 'text') requireText(findings, at, properties, 'markdown')
  if (type === 'log') requireText(findings, at, properties, 'query')
  if (type === 'custom') requireText(findings, at, properties, 'endpoint')
  if (type === 'alarm' && !Array.isArray(properties.alarms)) {
    findings.error(at, "Should have required property 'alarms'")
  }
}

function checkPlace(findings: Findings, path: string, widget: Members): void {
  const bounds = { x: [0, GRID_COLUMNS - 1], y: [0, MOST_ROWS - 1], width: [1, GRID_COLUMNS], height: [1, MOST_ROWS] }
  for (const [name, [least, most]] of Object.entries(bounds) as [string, [number, number]][]) {
    const value = widget[name]
    if (value === undefined) continue
    if (!Number.isInteger(value)) findings.error(`${path}/${name}`, 'Should be integer')
    else if ((value as number) < least) findings.error(`${path}/${name}`, `Should be >= ${least}`)
    else if ((value as number) > most) findings.error(`${path}/${name}`, `Should be <= ${most}`)
  }
  if ((widget.x === undefined) !== (widget.y === undefined)) {
    findings.error(path, `Should have property ${widget.x === undefined ? 'x' : 'y'} when property is present`)
  }
}

function checkMetricWidget(findings: Findings, path: string, properties: Members): void {
  const { metrics, annotations, view, region, period, stat } = properties
  if (metrics === undefined && annotations === undefined) {
    findings.error(path, "Should have required property 'metrics'")
  }
  if (metrics !== undefined) checkMetrics(findings, `${path}/metrics`, metrics)
  if (region !== undefined && typeof region !== 'string') findings.error(`${path}/region`, 'Should be string')
  if (region === undefined) findings.warn(path, "Should have required property 'region'")
  if (view !== undefined && !VIEWS.includes(view as string)) {
    findings.error(`${path}/view`, 'Should be equal to one of the allowed values')
  }
  if (stat !== undefined && typeof stat !== 'string') findings.error(`${path}/stat`, 'Should be string')
  if (period !== undefined && !(Number.isInteger(period) && (period as number) > 0)) {
    findings.error(`${path}/period`, 'Should be integer')
  }
}

/** Each is an array of namespace, name, names and values of dimensions, and options; or of options alone. */
function checkMetrics(findings: Findings, path: string, metrics: unknown): void {
  if (!Array.isArray(metrics)) {
    findings.error(path, 'Should be array')
    return
  }
  if (metrics.length > MOST_METRICS) findings.error(path, `Should NOT have more than ${MOST_METRICS} items`)
  for (const [at, metric] of metrics.entries()) {
    const here = `${path}/${at}`
    if (!Array.isArray(metric)) {
      findings.error(here, 'Should be array')
      continue
    }
    const fields = isObject(metric.at(-1)) ? metric.slice(0, -1) : metric
    if (fields.some((field) => typeof field !== 'string')) {
      findings.error(here, "Invalid metric field type, only 'String' type is allowed")
    } else if (fields.length % 2 === 1 && !fields.includes('...')) {
      findings.error(here, 'Should have a namespace, a metric name, and a value for the name of each dimension')
    }
  }
}

function requireText(findings: Findings, path: string, properties: Members, name: string): void {
  if (properties[name] === undefined) findings.error(path, `Should have required property '${name}'`)
  else if (typeof properties[name] !== 'string') findings.error(`${path}/${name}`, 'Should be string')
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
