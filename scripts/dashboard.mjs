/**
 * Makes the Grafana dashboard from the rows below: `node scripts/dashboard.mjs`; `--check` fails where
 * deploy/grafana/strongroom.json is not what it would write. That its queries name metrics that there are is a test's matter
 * (packages/server/src/metrics/deploy.test.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './prepare.mjs'

/** What every query is narrowed to; the variables stand at the top of the dashboard. */
const HERE = 'job=~"$job",instance=~"$instance"'
const EVERY = '[$__rate_interval]'
/** A metric of the chosen servers, and its rate. */
const metric = (name, selector = '') => `strongroom_${name}{${HERE}${selector && `,${selector}`}}`
const rate = (name, selector) => `rate(${metric(name, selector)}${EVERY})`
const quantile = (q, name, by = '') =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (${rate(`${name}_bucket`)}))`

/** Sections of panels: title, unit in Grafana's words, queries with their legends, and what to know of it. */
const SECTIONS = [
  [
    'Requests',
    [
      ['Requests by service', 'reqps', [[`sum by (service) (${rate('requests_total')})`, '{{service}}']]],
      [
        'S3 requests by operation',
        'reqps',
        [[`sum by (operation) (${rate('requests_total', 'service="s3"')})`, '{{operation}}']],
      ],
      [
        'Replies with 5xx',
        'percentunit',
        [[`sum(${rate('requests_total', 'status=~"5.."')}) / sum(${rate('requests_total')})`, '5xx']],
      ],
      ['Errors by code', 'reqps', [[`sum by (service, code) (${rate('errors_total')})`, '{{service}} {{code}}']]],
      [
        'Time of S3 requests',
        's',
        [0.5, 0.9, 0.99].map((q) => [
          `histogram_quantile(${q}, sum by (le) (${rate('request_duration_seconds_bucket', 'service="s3"')}))`,
          `p${q * 100}`,
        ]),
      ],
      [
        'Bodies',
        'Bps',
        [[`sum by (direction) (${rate('body_bytes_total')})`, '{{direction}}']],
        'Plaintext, received (in) and sent (out).',
      ],
    ],
  ],
  [
    'Encryption',
    [
      ['Requests by method', 'reqps', [[`sum by (method) (${rate('encryption_requests_total')})`, '{{method}}']]],
      ['Sealed and opened', 'Bps', [[`sum by (work, method) (${rate('crypto_bytes_total')})`, '{{work}} {{method}}']]],
      [
        'Throughput of one core',
        'Bps',
        [
          [
            `sum by (work, method) (${rate('crypto_sampled_bytes_total')}) / sum by (work, method) (${rate('crypto_sampled_seconds_total')})`,
            '{{work}} {{method}}',
          ],
        ],
        'Of a sample of the work, while it is done.',
      ],
      [
        'Transport',
        'reqps',
        [[`sum by (transport) (${rate('requests_total')})`, '{{transport}}']],
        'Versions of TLS, and plain HTTP.',
      ],
      ['Refused over plain HTTP', 'reqps', [[`sum by (service) (${rate('plain_http_refused_total')})`, '{{service}}']]],
      [
        'Opened keys at hand',
        'percentunit',
        [
          [
            `sum by (cache) (${rate('key_cache_lookups_total', 'result="hit"')}) / sum by (cache) (${rate('key_cache_lookups_total')})`,
            '{{cache}}',
          ],
        ],
      ],
    ],
  ],
  [
    'KMS',
    [
      [
        'Calls',
        'reqps',
        [[`sum by (operation, via) (${rate('kms_calls_total')})`, '{{operation}} {{via}}']],
        'Direct ones, and those that S3 makes for its callers.',
      ],
      ['Calls that failed', 'reqps', [[`sum by (result) (${rate('kms_calls_total', 'result!="ok"')})`, '{{result}}']]],
      ['Throttled', 'reqps', [[`sum by (via) (${rate('kms_throttled_total')})`, '{{via}}']]],
    ],
  ],
  [
    'Stores',
    [
      ['Commits of the catalog', 's', [0.5, 0.99].map((q) => [quantile(q, 'catalog_commit_seconds'), `p${q * 100}`])],
      ['Syncs of the audit journal', 's', [0.5, 0.99].map((q) => [quantile(q, 'journal_sync_seconds'), `p${q * 100}`])],
      [
        'Failures of the audit journal',
        'short',
        [[`sum(increase(${metric('journal_failures_total')}${EVERY}))`, 'failures']],
      ],
      [
        'Disk',
        'bytes',
        [
          [`sum by (instance) (${metric('disk_free_bytes')})`, '{{instance}} free'],
          [`sum by (instance) (${metric('disk_size_bytes')})`, '{{instance}} size'],
          [`sum by (instance) (${metric('data_folder_bytes')})`, '{{instance}} data folder'],
        ],
      ],
      [
        'Certificate',
        's',
        [[`min by (instance) (${metric('certificate_expiry_timestamp_seconds')}) - time()`, '{{instance}}']],
        'Time until it ends.',
      ],
    ],
  ],
  [
    'Processes',
    [
      [
        'CPU',
        'percentunit',
        [[`sum by (instance, process) (${rate('cpu_seconds_total')})`, '{{instance}} {{process}}']],
        'Of one core.',
      ],
      ['Resident memory', 'bytes', [[metric('resident_memory_bytes'), '{{instance}} {{process}}']]],
      [
        'Heap and buffers',
        'bytes',
        [
          [`sum by (process) (${metric('heap_used_bytes')})`, '{{process}} heap used'],
          [`sum by (process) (${metric('heap_size_bytes')})`, '{{process}} heap'],
          [`sum by (process) (${metric('external_memory_bytes')})`, '{{process}} buffers'],
        ],
      ],
      ['Delay of the event loop', 's', [[metric('event_loop_delay_seconds'), '{{instance}} {{process}}']]],
      ['Event loop busy', 'percentunit', [[metric('event_loop_utilization_ratio'), '{{instance}} {{process}}']]],
      [
        'Connections',
        'short',
        [[`sum by (process, transport) (${metric('open_connections')})`, '{{process}} {{transport}}']],
      ],
      ['Requests in flight', 'short', [[`sum by (process) (${metric('requests_in_flight')})`, '{{process}}']]],
      [
        'Age',
        's',
        [[`time() - ${metric('process_start_time_seconds')}`, '{{instance}} {{process}}']],
        'A worker that begins anew was lost.',
      ],
      ['Workers lost', 'short', [[`sum(increase(${metric('workers_lost_total')}${EVERY}))`, 'workers']]],
    ],
  ],
]

const PANELS_IN_ROW = 3
const WIDTH = 24 / PANELS_IN_ROW
const HEIGHT = 8
/** Grafana puts the chosen one in. */
const datasource = { type: 'prometheus', uid: '$datasource' }

function panelsOf(sections) {
  const panels = []
  let y = 0
  const push = (panel) => panels.push({ id: panels.length + 1, ...panel })
  for (const [title, rows] of sections) {
    push({ type: 'row', title, collapsed: false, gridPos: { x: 0, y: y++, w: 24, h: 1 }, panels: [] })
    rows.forEach(([name, unit, queries, description], i) => {
      push({
        type: 'timeseries',
        title: name,
        ...(description && { description }),
        datasource,
        gridPos: { x: (i % PANELS_IN_ROW) * WIDTH, y: y + Math.floor(i / PANELS_IN_ROW) * HEIGHT, w: WIDTH, h: HEIGHT },
        fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
        options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
        targets: queries.map(([expr, legendFormat], at) => ({
          refId: String.fromCharCode(65 + at),
          datasource,
          expr,
          legendFormat,
        })),
      })
    })
    y += Math.ceil(rows.length / PANELS_IN_ROW) * HEIGHT
  }
  return panels
}

const variable = (name, query) => ({
  name,
  type: 'query',
  datasource,
  query: { query, refId: name },
  refresh: 2,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { text: 'All', value: '$__all' },
})

const dashboard = {
  uid: 'strongroom',
  title: 'Strongroom',
  tags: ['strongroom', 's3'],
  schemaVersion: 39,
  editable: true,
  refresh: '30s',
  time: { from: 'now-3h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' },
      variable('job', 'label_values(strongroom_process_start_time_seconds, job)'),
      variable('instance', 'label_values(strongroom_process_start_time_seconds{job=~"$job"}, instance)'),
    ],
  },
  panels: panelsOf(SECTIONS),
}

const path = join(root, 'deploy/grafana/strongroom.json')
const text = `${JSON.stringify(dashboard, undefined, 2)}\n`
if (!process.argv.includes('--check')) writeFileSync(path, text)
else if (readFileSync(path, 'utf8') !== text) {
  console.error('deploy/grafana/strongroom.json is stale: node scripts/dashboard.mjs')
  process.exit(1)
}
