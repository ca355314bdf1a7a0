/** What operators import names metrics and labels that there are: the dashboard, the alert rules, and the page of documents. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { METRIC_DEFINITIONS } from './definitions.ts'
import type { MetricDefinition } from './registry.ts'

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

/** Set by Prometheus itself. */
const SCRAPED = ['job', 'instance']

/** What of a query, or of a text that is filled from it, names nothing that the server publishes. */
function strange(query: string, filledIn = ''): string[] {
  const problems: string[] = []
  const used = new Map<string, MetricDefinition>()
  for (const [name] of query.matchAll(/\bstrongroom_\w+/g)) {
    const definition = definitionOf(name)
    if (definition) used.set(name, definition)
    else problems.push(`no metric ${name}`)
  }
  const labelsOf = (name: string) => [
    ...SCRAPED,
    ...(used.get(name)?.labels ?? []),
    ...(name.endsWith('_bucket') ? ['le'] : []),
  ]
  for (const [, name, selector] of query.matchAll(/\b(strongroom_\w+)\{([^}]*)\}/g)) {
    for (const [, label] of selector!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (!labelsOf(name!).includes(label!)) problems.push(`${name} has no label ${label}`)
    }
  }
  const kept = [...used.keys()].map(labelsOf)
  const groups = [...query.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list]) =>
    list!.split(',').map((one) => one.trim()),
  )
  for (const label of groups) if (!kept.every((labels) => labels.includes(label))) problems.push(`not by ${label}`)
  // What is left of a series after it was grouped.
  const left = groups.length > 0 || /\b(sum|min|max)\(/.test(query) ? groups : kept.flat()
  for (const [, label] of filledIn.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)) {
    if (!left.includes(label!) && !SCRAPED.includes(label!)) problems.push(`nothing fills in ${label}`)
  }
  return problems
}

function definitionOf(name: string): MetricDefinition | undefined {
  return METRIC_DEFINITIONS.find((definition) =>
    definition.type === 'histogram'
      ? ['_bucket', '_sum', '_count'].some((ending) => name === definition.name + ending)
      : name === definition.name,
  )
}

test.each([
  ['sum by (service) (rate(strongroom_requests_total{status=~"5.."}[5m]))', '{{service}}', []],
  ['histogram_quantile(0.9, sum by (le) (strongroom_catalog_commit_seconds_bucket))', '', []],
  ['strongroom_requets_total', '', ['no metric strongroom_requets_total']],
  ['strongroom_catalog_commit_seconds', '', ['no metric strongroom_catalog_commit_seconds']],
  ['strongroom_requests_total{stauts="500"}', '', ['strongroom_requests_total has no label stauts']],
  ['sum by (le) (strongroom_requests_total)', '', ['not by le']],
  ['sum by (service) (strongroom_requests_total)', '{{ $labels.operation }}', ['nothing fills in operation']],
])('what is strange about %s', (query, filledIn, problems) => {
  expect(strange(query, filledIn)).toEqual(problems)
})

describe('the dashboard', () => {
  interface Panel {
    readonly title: string
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  }
  const dashboard = JSON.parse(read('deploy/grafana/strongroom.json')) as {
    readonly panels: readonly Panel[]
    readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] }
  }
  const targets = dashboard.panels.flatMap(({ title, targets: all = [] }) => all.map((one) => ({ title, ...one })))

  test.each(targets)('$title: $legendFormat', ({ expr, legendFormat }) => {
    expect(strange(expr, legendFormat)).toEqual([])
  })

  test('its variables', () => {
    const queries = dashboard.templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query))
    expect(queries.flatMap((query) => strange(query))).toEqual([])
    expect(queries.filter((query) => query.includes('strongroom_'))).toHaveLength(2)
  })

  test('shows every metric', () => {
    const shown = new Set(
      targets.flatMap(({ expr }) => [...expr.matchAll(/\bstrongroom_\w+/g)].map(([name]) => definitionOf(name)?.name)),
    )
    expect(METRIC_DEFINITIONS.filter(({ name }) => !shown.has(name))).toEqual([])
  })
})

describe('the alert rules', () => {
  interface Rule {
    readonly alert: string
    readonly expr: string
    readonly labels: { readonly severity: string }
    readonly annotations: Readonly<Record<string, string>>
  }
  const { groups } = parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
  const rules = groups.flatMap((group) => group.rules)

  test.each(rules)('$alert', ({ alert, expr, labels, annotations }) => {
    expect(strange(expr, Object.values(annotations).join(' '))).toEqual([])
    expect(['warning', 'critical']).toContain(labels.severity)
    expect(annotations.summary).toBeTruthy()
    expect(read('docs/operations.md')).toContain(alert)
  })
})

test('docs/operations.md has a row for every metric, as it is', () => {
  const page = read('docs/operations.md')
  const rows = METRIC_DEFINITIONS.map(
    ({ name, labels, help }) => `| \`${name}\` | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  )
  expect(rows.filter((row) => !page.includes(row))).toEqual([])
  expect(page.match(/^\| `strongroom_/gm)).toHaveLength(METRIC_DEFINITIONS.length)
})
