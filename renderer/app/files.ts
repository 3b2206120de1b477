import type { FileView } from '../../shared/contract/file.ts'

/** Gives the user a file. The browser saves it as it saves downloads; Electron asks where, with the system's own dialog. */
export function saveFile({ name, mediaType, bytes }: FileView): void {
  saveBlob(name, new Blob([new Uint8Array(bytes)], { type: mediaType }))
}

export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
