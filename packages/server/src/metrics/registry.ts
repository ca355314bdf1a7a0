/**
 * A small metric registry: counters, gauges and histograms by label values, kept as numbers in plain maps.
 *
 * Each process counts for itself. A snapshot is plain JSON, so that the primary can add up those of its workers and
 * render one page for all (Prometheus text exposition format 0.0.4).
 */

export interface MetricDefinition {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  readonly buckets?: readonly number[]
}

/** Series by rendered label set; a histogram's value is [sum, count, ...counts by bucket]. */
export interface MetricSnapshot {
  readonly definition: MetricDefinition
  readonly series: Readonly<Record<string, readonly number[]>>
}

export class Metric {
  readonly definition: MetricDefinition
  readonly #series = new Map<string, number[]>()

  constructor(definition: MetricDefinition) {
    this.definition = definition
  }

  /** Adds to a counter or gauge. `labelValues` stand in the order of the definition's labels. */
  add(amount: number, ...labelValues: readonly string[]): void {
    const cells = this.#cells(labelValues)
    cells[0] = cells[0]! + amount
  }

  /** Sets a gauge. */
  set(value: number, ...labelValues: readonly string[]): void {
    this.#cells(labelValues)[0] = value
  }

  /** Takes one observation into a histogram. */
  observe(value: number, ...labelValues: readonly string[]): void {
    const cells = this.#cells(labelValues)
    cells[0] = cells[0]! + value
    cells[1] = cells[1]! + 1
    const bounds = this.definition.buckets ?? []
    for (let i = 0; i < bounds.length; i++) {
      if (value <= bounds[i]!) {
        cells[2 + i] = cells[2 + i]! + 1
        return
      }
    }
  }

  snapshot(): MetricSnapshot {
    return { definition: this.definition, series: Object.fromEntries([...this.#series].map(([k, v]) => [k, [...v]])) }
  }

  #cells(labelValues: readonly string[]): number[] {
    const id = labelValues.length === 1 ? labelValues[0]! : labelValues.join(SEPARATOR)
    let cells = this.#series.get(id)
    if (!cells) {
      cells = new Array(this.definition.type === 'histogram' ? 2 + (this.definition.buckets?.length ?? 0) : 1).fill(0)
      this.#series.set(id, cells)
    }
    return cells
  }
}

export class MetricRegistry {
  readonly #metrics: Metric[] = []
  readonly #beforeSnapshot: (() => void)[] = []

  define(definition: MetricDefinition): Metric {
    const metric = new Metric(definition)
    this.#metrics.push(metric)
    return metric
  }

  /** Registers a function that brings gauges up to date when somebody looks. */
  beforeSnapshot(refresh: () => void): void {
    this.#beforeSnapshot.push(refresh)
  }

  snapshot(): MetricSnapshot[] {
    for (const refresh of this.#beforeSnapshot) refresh()
    return this.#metrics.map((metric) => metric.snapshot())
  }
}

/** Adds up the snapshots of several processes, series by series. */
export function mergeSnapshots(all: readonly (readonly MetricSnapshot[])[]): MetricSnapshot[] {
  const merged = new Map<string, { definition: MetricDefinition; series: Record<string, number[]> }>()
  for (const snapshot of all.flat()) {
    const target = merged.get(snapshot.definition.name) ?? { definition: snapshot.definition, series: {} }
    merged.set(snapshot.definition.name, target)
    for (const [id, cells] of Object.entries(snapshot.series)) {
      const sums = target.series[id]
      target.series[id] = sums ? sums.map((sum, i) => sum + (cells[i] ?? 0)) : [...cells]
    }
  }
  return [...merged.values()]
}

/** Prometheus text exposition format, version 0.0.4. */
export function renderPrometheus(snapshots: readonly MetricSnapshot[]): string {
  const lines: string[] = []
  for (const { definition, series } of snapshots) {
    lines.push(`# HELP ${definition.name} ${definition.help}`, `# TYPE ${definition.name} ${definition.type}`)
    for (const [id, cells] of Object.entries(series)) {
      const labels = labelPairs(definition, id)
      if (definition.type === 'histogram') lines.push(...histogramLines(definition, labels, cells))
      else lines.push(`${definition.name}${braces(labels)} ${cells[0]}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function histogramLines(definition: MetricDefinition, labels: readonly string[], cells: readonly number[]): string[] {
  const [sum, count] = cells
  let below = 0
  const lines = (definition.buckets ?? []).map((bound, i) => {
    below += cells[2 + i]!
    return `${definition.name}_bucket${braces([...labels, `le="${bound}"`])} ${below}`
  })
  lines.push(`${definition.name}_bucket${braces([...labels, 'le="+Inf"'])} ${count}`)
  lines.push(`${definition.name}_sum${braces(labels)} ${sum}`, `${definition.name}_count${braces(labels)} ${count}`)
  return lines
}

/** The labels of a series, by name. */
export function labelsOf({ labels }: MetricDefinition, id: string): Record<string, string> {
  const values = id.split(SEPARATOR)
  return Object.fromEntries(labels.map((label, i) => [label, values[i] ?? '']))
}

const labelPairs = (definition: MetricDefinition, id: string): string[] =>
  Object.entries(labelsOf(definition, id)).map(([label, value]) => `${label}="${escapeLabel(value)}"`)

const braces = (pairs: readonly string[]) => (pairs.length === 0 ? '' : `{${pairs.join(',')}}`)
const escapeLabel = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

/** Cannot stand in a label value: control characters never do in ours. */
const SEPARATOR = '\u0001'
