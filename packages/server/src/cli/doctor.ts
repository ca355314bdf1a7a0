/** `strongroom doctor`: looks at an installation, also beside a running server, changes nothing, and says what is wrong. */

import { dataFolder, requireWhole } from './data-folder.ts'
import { bucketFindings } from './doctor-buckets.ts'
import { certificateFindings, diskFindings, type Finding, modeFindings, rootKeyFindings } from './doctor-checks.ts'
import { type ConfigurationError, EXIT } from './exit.ts'
import { isThere } from './root-key.ts'
import { resolveSettings, type Settings } from './settings.ts'

export interface DoctorFlags {
  readonly data?: string
  readonly secrets?: string
  readonly config?: string
  readonly json?: boolean
}

/** Exit code 1 where a finding is an error. */
export async function doctorCommand(flags: DoctorFlags): Promise<number> {
  const findings = await examine(flags)
  findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
  if (flags.json) process.stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`)
  else {
    for (const { severity, about, message, advice } of findings) {
      process.stdout.write(`${severity.padEnd(7)}  ${about}: ${message}\n${advice ? `         ${advice}\n` : ''}`)
    }
    const errors = findings.filter(({ severity }) => severity === 'error').length
    process.stdout.write(`${errors} errors, ${findings.length - errors} warnings\n`)
  }
  return findings.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.done
}

const ORDER: readonly Finding['severity'][] = ['error', 'warning']

async function examine({ json: _, ...flags }: DoctorFlags): Promise<Finding[]> {
  let settings: Settings
  try {
    settings = await resolveSettings(flags, process.env)
  } catch (error) {
    return [{ severity: 'error', about: 'configuration', message: (error as ConfigurationError).message }]
  }
  if (!(await isThere(settings.dataDir))) {
    const message = 'there is no such folder'
    return [{ severity: 'error', about: settings.dataDir, message, advice: 'Name it with --data.' }]
  }
  try {
    await requireWhole(dataFolder(settings.dataDir))
  } catch (error) {
    return [{ severity: 'error', about: settings.dataDir, message: (error as ConfigurationError).message }]
  }
  const findings = [
    ...(await modeFindings(settings)),
    ...(await certificateFindings(settings, Date.now())),
    ...(await diskFindings(settings)),
  ]
  const root = await rootKeyFindings(settings, process.env)
  findings.push(...root.findings)
  // Without the right root key no record opens.
  if (root.storeKey) findings.push(...(await bucketFindings(settings, root.storeKey)))
  return findings
}
