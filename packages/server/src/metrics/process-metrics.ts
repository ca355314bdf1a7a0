/** The facts of a process as metrics, brought up to date whenever somebody looks. */
import { METRICS } from './definitions.ts'
import type { ProcessFacts } from './process-facts.ts'
import type { Metric, MetricRegistry } from './registry.ts'

export function defineProcessMetrics(registry: MetricRegistry, facts: ProcessFacts): void {
  const { name } = facts
  const cpu = registry.define(METRICS.cpu)
  const residentMemory = registry.define(METRICS.residentMemory)
  const heapUsed = registry.define(METRICS.heapUsed)
  const heapSize = registry.define(METRICS.heapSize)
  const externalMemory = registry.define(METRICS.externalMemory)
  const loopDelay = registry.define(METRICS.loopDelay)
  const loopUtilization = registry.define(METRICS.loopUtilization)
  const startTime = registry.define(METRICS.startTime)
  const openConnections = registry.define(METRICS.openConnections)
  const requestsInFlight = registry.define(METRICS.requestsInFlight)
  const keyCacheLookups = registry.define(METRICS.keyCacheLookups)
  const diskFree = registry.define(METRICS.diskFree)
  const diskSize = registry.define(METRICS.diskSize)

  registry.beforeSnapshot(() => {
    const { userSeconds, systemSeconds } = facts.cpu
    cpu.set(userSeconds, name, 'user')
    cpu.set(systemSeconds, name, 'system')
    const memory = facts.memory
    residentMemory.set(memory.rss, name)
    heapUsed.set(memory.heapUsed, name)
    heapSize.set(memory.heapTotal, name)
    externalMemory.set(memory.external, name)
    loopDelay.set(facts.loop.delaySeconds, name)
    loopUtilization.set(facts.loop.utilization, name)
    startTime.set(Math.round(facts.startedAtMs) / 1000, name)
    for (const [transport, count] of Object.entries(facts.connections)) openConnections.set(count, name, transport)
    setIfKnown(requestsInFlight, facts.requestsInFlight, name)
    // Counted where the caches are, for all time.
    for (const [cache, { hits, misses }] of Object.entries(facts.keyCaches)) {
      keyCacheLookups.set(hits, cache, 'hit')
      keyCacheLookups.set(misses, cache, 'miss')
    }
    setIfKnown(diskFree, facts.disk?.freeBytes)
    setIfKnown(diskSize, facts.disk?.sizeBytes)
  })
}

function setIfKnown(metric: Metric, value: number | undefined, ...labelValues: readonly string[]): void {
  if (value !== undefined) metric.set(value, ...labelValues)
}
