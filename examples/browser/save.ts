/** Where downloads go. */

type Destination = () => Promise<WritableStream<Uint8Array<ArrayBuffer>>> | WritableStream<Uint8Array<ArrayBuffer>>

/** Of the File System API, which not every browser has. */
interface WithFilePicker {
  showSaveFilePicker?(options: { readonly suggestedName: string }): Promise<FileSystemFileHandle>
}

/**
 * To be called on the user's click. What is written to the stream becomes a file when the stream is closed, and nothing
 * when it is aborted. A file that the user picks is written as a stream; elsewhere the whole of it is in memory first.
 * Rejects with AbortError where the user picks none.
 */
export async function destinationFor(name: string): Promise<Destination> {
  const { showSaveFilePicker } = window as WithFilePicker
  if (!showSaveFilePicker) return () => gathered(name)
  const handle = await showSaveFilePicker({ suggestedName: name })
  return () => handle.createWritable()
}

function gathered(name: string): WritableStream<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  return new WritableStream({
    write: (piece) => void pieces.push(piece),
    close: () => offer(new Blob(pieces), name),
  })
}

/** Hands a file to the browser, to be saved as its user has set it. */
export function offer(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The download may begin after this turn, and it may ask where to.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
