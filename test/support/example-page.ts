/** examples/browser as its user has it before him. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { complaintsOf } from './chromium.ts'

/** What the page's own scripts and ours have between them. */
interface Watched {
  readonly shown: number[]
}

export class ExamplePage {
  readonly page: Page
  /** What the console said and was not expected. */
  readonly complaints: string[]
  /** Names of the files that the page gave the browser to save. */
  readonly saved: string[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'strongroom-page-'))

  private constructor(page: Page) {
    this.page = page
    this.complaints = complaintsOf(page)
    page.on('download', (download) => this.saved.push(download.suggestedFilename()))
  }

  /** `fields`: what is filled in, by label. */
  static async open(browser: BrowserContext, url: string, fields: Record<string, string>): Promise<ExamplePage> {
    const opened = new ExamplePage(await browser.newPage())
    await opened.page.addInitScript(() => {
      // Nobody is here to pick a file; `pickFile` stands for him.
      Object.assign(window, { showSaveFilePicker: undefined, shown: [] })
      new MutationObserver(() => {
        const value = document.querySelector('progress')?.getAttribute('value')
        if (value) (window as unknown as Watched).shown.push(Number(value))
      }).observe(document, { subtree: true, attributeFilter: ['value'] })
    })
    await opened.page.goto(url)
    for (const [label, value] of Object.entries(fields)) await opened.field(label).fill(value)
    return opened
  }

  async close(): Promise<void> {
    await this.page.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  field = (label: string): Locator => this.page.getByLabel(label, { exact: true })
  button = (name: string): Locator => this.page.getByRole('button', { name, exact: true })
  status = () => this.page.getByRole('status').textContent()
  alert = () => this.page.getByRole('alert').textContent()
  /** Where the progress bar stood, in percent, since this was asked last. */
  shown = () => this.page.evaluate(() => (window as unknown as Watched).shown.splice(0))

  /** Presses a button and waits until what it began has ended. */
  async press(name: string): Promise<void> {
    await this.button(name).click()
    await this.page.locator('#transfer').waitFor({ state: 'hidden', timeout: 60_000 })
  }

  async list(prefix: string): Promise<void> {
    await this.field('Prefix').fill(prefix)
    await this.press('List objects')
  }

  /** Chooses a file of this content in a field. */
  async choose(label: string, name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, name)
    writeFileSync(path, bytes)
    await this.field(label).setInputFiles(path)
  }

  async upload(name: string, bytes: Uint8Array): Promise<void> {
    await this.choose('File', name, bytes)
    await this.press('Encrypt and upload')
  }

  /** The file that pressing a button gives. */
  async fileBy(name: string): Promise<Buffer> {
    const [file] = await Promise.all([this.page.waitForEvent('download'), this.press(name)])
    return readFileSync(await file.path())
  }

  download = (key: string) => this.fileBy(`Download ${key}`)

  /** Asks for a download that must come to nothing, and gives the page's words. */
  async refused(key: string): Promise<string | null> {
    const before = this.saved.length
    await this.press(`Download ${key}`)
    expect(this.saved.slice(before)).toEqual([])
    expect(await this.status()).toBe('')
    return this.alert()
  }

  /** The user will pick a file of this content to save in. */
  async pickFile(content: string): Promise<void> {
    await this.page.evaluate(async (content) => {
      const handle = await (await navigator.storage.getDirectory()).getFileHandle('picked', { create: true })
      const file = await handle.createWritable()
      await file.write(content)
      await file.close()
      Object.assign(window, { showSaveFilePicker: async () => handle })
    }, content)
  }

  async pickedFile(): Promise<Buffer> {
    const bytes = await this.page.evaluate(async () => {
      const handle = await (await navigator.storage.getDirectory()).getFileHandle('picked')
      return [...new Uint8Array(await (await handle.getFile()).arrayBuffer())]
    })
    return Buffer.from(bytes)
  }
}
