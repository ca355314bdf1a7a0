/** The system's Chromium, and pages whose complaints are kept. */
import { execFileSync } from 'node:child_process'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

/** With a profile of its own, gone when it is closed. */
export function launchChromium(): Promise<BrowserContext> {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
  return chromium.launchPersistentContext('', { executablePath, args: QUIET, chromiumSandbox: false })
}

/** Nothing asks anybody but the page's own servers. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** All that the page says on its console as an error, and what it throws and nobody catches. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return complaints
}
