import type { Session } from 'electron'
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { handleDownloads } from '../../../electron/shell/downloads.ts'

function download(url: string, name: string) {
  const session = new EventEmitter()
  handleDownloads(session as unknown as Session, '/home/ada/Downloads')
  const event = { preventDefault: vi.fn() }
  const dialogs: unknown[] = []
  const item = { getURL: () => url, getFilename: () => name, setSaveDialogOptions: (options: unknown) => void dialogs.push(options) }
  session.emit('will-download', event, item)
  return { refused: event.preventDefault.mock.calls.length > 0, dialogs }
}

describe('saving a file', () => {
  it.each([
    ['web.me2run', { name: 'ME2 run', extensions: ['me2run'] }],
    ['runs.csv', { name: 'CSV', extensions: ['csv'] }],
    ['notes.txt', { name: 'txt', extensions: ['txt'] }],
  ])('asks where to put %s', (name, filter) => {
    expect(download('blob:app://console/6b1f', name)).toEqual({
      refused: false,
      dialogs: [{ defaultPath: `/home/ada/Downloads/${name}`, filters: [filter] }],
    })
  })

  it.each(['https://example.org/a.exe', 'blob:https://example.org/6b1f', 'blob:app://console.evil/6b1f', 'app://console/index.html', 'data:text/plain,a'])('refuses %s', (url) => {
    expect(download(url, 'a.exe')).toEqual({ refused: true, dialogs: [] })
  })
})
