/** The page: what its buttons do, and how far a transfer has come. */
import { ListObjectsV2Command, type _Object as StoredObject } from '@aws-sdk/client-s3'
import type { RequestOptions } from '@strongroom/client'
import { destinationFor, offer } from './save.ts'
import { keyFile, settingsOf, storeOf, WHOLE_BODY_BYTES } from './settings.ts'
import { inWords } from './words.ts'

const element = <Kind extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as Kind
const storeForm = element<HTMLFormElement>('store')
const uploadForm = element<HTMLFormElement>('upload')
const progress = element<HTMLProgressElement>('progress')
const input = (form: HTMLFormElement, name: string) => form.elements.namedItem(name) as HTMLInputElement

storeForm.addEventListener('submit', (event) => {
  event.preventDefault()
  void act('Listing', list)
})

uploadForm.addEventListener('submit', (event) => {
  event.preventDefault()
  const file = input(uploadForm, 'file').files![0]!
  if (storeForm.reportValidity()) void act(`Uploading ${file.name}`, (options) => upload(file, options))
})

storeForm.addEventListener('change', showKeyFields)
// Some browsers fill in again what a form said before.
showKeyFields()

element('make-key').addEventListener('click', () => {
  input(storeForm, 'keyFile').value = ''
  offer(new Blob([keyFile.make()]), 'strongroom.key')
  say('A key file was made, and is used until another is picked. Keep it well.')
})

function showKeyFields(): void {
  const byFile = new FormData(storeForm).get('keyKind') === 'file'
  element('passphrase-fields').hidden = byFile
  element('file-fields').hidden = !byFile
}

async function list(options: RequestOptions = {}): Promise<string> {
  const fields = new FormData(storeForm)
  const target = { Bucket: String(fields.get('bucket')).trim(), Prefix: String(fields.get('prefix')) }
  const { Contents = [], IsTruncated = false } = await storeOf(storeForm).send(new ListObjectsV2Command(target), {
    ...(options.abortSignal && { abortSignal: options.abortSignal }),
  })
  element('objects').replaceChildren(...Contents.map(row))
  element('more').hidden = !IsTruncated
  return Contents.length === 0 ? 'No objects.' : ''
}

function row({ Key = '', Size = 0 }: StoredObject): HTMLTableRowElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Download'
  button.ariaLabel = `Download ${Key}`
  button.addEventListener('click', () => void download(Key))
  const line = document.createElement('tr')
  for (const content of [Key, BYTES.format(Size), button]) line.insertCell().append(content)
  line.cells[1]!.className = 'number'
  return line
}

async function upload(file: File, options: RequestOptions): Promise<string> {
  const { client, bucket, prefix, format } = await settingsOf(storeForm)
  if (format !== 'sealed' && file.size > WHOLE_BODY_BYTES)
    throw new Error('A file this large needs the sealed format: browsers cannot encrypt the other piece by piece.')
  const target = { Bucket: bucket, Key: prefix + file.name }
  await client.putObject({ ...target, Body: file, ...(file.type && { ContentType: file.type }) }, options)
  await list(options)
  return `${file.name} is stored, encrypted.`
}

async function download(key: string): Promise<void> {
  const name = key.slice(key.lastIndexOf('/') + 1)
  await act(`Downloading ${name}`, async (options) => {
    const { client, bucket } = await settingsOf(storeForm)
    const open = await destinationFor(name)
    const { Body } = await client.getObject({ Bucket: bucket, Key: key }, options)
    // Closes the file at the end, and aborts it, so that nothing is saved, where a part does not authenticate.
    await Body.transformToWebStream().pipeTo(await open())
    return `${name} was decrypted and saved.`
  })
}

/** Does one thing at a time, shows how far it has come, and says how it ended. */
async function act(name: string, run: (options: RequestOptions) => Promise<string>): Promise<void> {
  const controller = new AbortController()
  const cancel = () => controller.abort()
  busy(true, name)
  element('cancel').addEventListener('click', cancel)
  try {
    // Argon2id holds up the page, which should say before what it is at.
    await nextFrame()
    say(await run({ abortSignal: controller.signal, onProgress: show }))
  } catch (error) {
    say('', inWords(error))
  } finally {
    element('cancel').removeEventListener('click', cancel)
    busy(false)
  }
}

function show({ bytes, totalBytes }: { readonly bytes: number; readonly totalBytes?: number }): void {
  if (totalBytes) progress.value = (100 * bytes) / totalBytes
}

function busy(is: boolean, name = ''): void {
  // Without a value it shows that something goes on, and not how far.
  progress.removeAttribute('value')
  element('transfer-name').textContent = name
  element('transfer').hidden = !is
  for (const button of document.querySelectorAll('button')) button.disabled = is && button.id !== 'cancel'
  if (is) say('')
}

function say(status: string, error = ''): void {
  element('status').textContent = status
  element('error').textContent = error
}

const nextFrame = () => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
const BYTES = new Intl.NumberFormat(undefined, {
  style: 'unit',
  unit: 'byte',
  unitDisplay: 'narrow',
  notation: 'compact',
})
