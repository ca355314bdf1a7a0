/** Whether the journals of the audit trail are as they were written: for `strongroom audit verify` and `strongroom fsck`. */
import { JOURNAL_NAMES, journalDir } from '../audit/journals.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import type { RecordStore } from '../records/record-store.ts'
import { dataFolder, lockCatalog } from './data-folder.ts'
import { EXIT } from './exit.ts'
import { requireRing } from './root-key.ts'
import { resolveSettings, type ServeFlags } from './settings.ts'
import { openForUpkeep } from './store.ts'

export interface ChainSummary {
  readonly journal: string
  readonly entries: number
  readonly frames: number
  readonly segments: number
}

/** `report` is told the place of each problem. */
export async function verifyJournals(
  dataDir: string,
  records: RecordStore,
  report: (problem: string) => void,
): Promise<readonly ChainSummary[]> {
  const summaries: ChainSummary[] = []
  for (const name of JOURNAL_NAMES) {
    const reader = new JournalReader({ dir: journalDir(dataFolder(dataDir).auditDir, name), name, records })
    summaries.push({ journal: name, ...(await reader.verify((problem) => report(`journal ${problem}`))) })
  }
  return summaries
}

/** Beside a running server too. */
export async function auditChainCommand({ json, ...flags }: ServeFlags & { readonly json?: boolean }): Promise<number> {
  const settings = await resolveSettings(flags, process.env)
  // The catalog must not be put in another's place meanwhile.
  const unlock = await lockCatalog(dataFolder(settings.dataDir))
  try {
    const ring = await requireRing(settings, process.env, { readOnly: true })
    const store = await openForUpkeep(settings, ring)
    try {
      const problems: string[] = []
      const journals = await verifyJournals(settings.dataDir, store.records, (problem) => problems.push(problem))
      if (json) process.stdout.write(`${JSON.stringify({ journals, problems })}\n`)
      else {
        for (const { journal, entries, frames, segments } of journals) {
          process.stdout.write(`${journal}: ${entries} events in ${frames} frames of ${segments} files\n`)
        }
        for (const problem of problems) process.stdout.write(`INVALID: ${problem}\n`)
        process.stdout.write(problems.length === 0 ? 'The chain is whole.\n' : `${problems.length} problems\n`)
      }
      return problems.length === 0 ? EXIT.done : EXIT.failed
    } finally {
      await store.close()
    }
  } finally {
    await unlock()
  }
}
