/** Medians, ratios to the yardsticks, and the table that is printed. Pure. */
import { TARGETS } from './matrix.mjs'

export function summarise(cells, samples) {
  return cells.map(({ bytes: _, ...cell }, i) => {
    const rates = samples[i].map(({ requestsPerSecond }) => requestsPerSecond)
    const middle = samples[i].find(({ requestsPerSecond }) => requestsPerSecond === median(rates))
    return {
      ...cell,
      requestsPerSecond: round(median(rates)),
      least: round(Math.min(...rates)),
      most: round(Math.max(...rates)),
      megabytesPerSecond: round(middle.bytesPerSecond / 1e6),
      loadCpuShare: round(middle.loadCpuShare),
    }
  })
}

/** Each target by each transport that was measured. */
export function ratios(measured) {
  return TARGETS.flatMap(({ subject, yardstick, atLeast, ...at }) =>
    ['http', 'https'].flatMap((transport) => {
      const find = (name) =>
        measured.find((row) => row.subject === name && row.transport === transport && fits(row, at))?.requestsPerSecond
      const [ours, bare] = [find(subject), find(yardstick)]
      if (ours === undefined || bare === undefined) return []
      const ratio = Math.round((ours / bare) * 1000) / 1000
      return [{ ...at, transport, subject, yardstick, ratio, atLeast, held: ratio >= atLeast }]
    }),
  )
}

export function table({ measured, ratios: rows, cryptoSpeeds, peakMemoryMiB, machine }) {
  const lines = [`${machine.cores} x ${machine.cpu}, Node ${machine.node}`, '']
  for (const row of measured) {
    const what = `${row.operation} ${row.size} x ${String(row.clients).padEnd(2)} ${row.transport.padEnd(5)} ${row.subject}`
    lines.push(
      `${what.padEnd(44)} ${String(row.requestsPerSecond).padStart(9)} /s ${String(row.megabytesPerSecond).padStart(8)} MB/s   load ${Math.round(row.loadCpuShare * 100)} % of a core`,
    )
  }
  lines.push('', 'Ratios:')
  for (const { operation, size, clients, transport, subject, yardstick, ratio, atLeast, held } of rows) {
    const what = `${operation} ${size} x ${clients} ${transport} ${subject} / ${yardstick}`
    lines.push(`  ${held ? 'ok  ' : 'MISS'} ${what.padEnd(52)} ${ratio.toFixed(3)} (wanted ${atLeast})`)
  }
  lines.push('', `openssl speed, MB/s of one core: ${JSON.stringify(cryptoSpeeds)}`)
  lines.push(`peak resident memory of the server's processes, MiB: ${peakMemoryMiB?.join(', ') ?? 'unknown'}`, '')
  return `${lines.join('\n')}\n`
}

const fits = (row, at) => Object.entries(at).every(([name, value]) => row[name] === value)
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]
const round = (value) => (value >= 100 ? Math.round(value) : Math.round(value * 100) / 100)
