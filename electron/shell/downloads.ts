/**
 * Saving a file. The page makes a blob and clicks a link to it, in the desktop app as in a browser; here Electron then
 * opens the system's save dialog. Opening one is the page's file input, for which Electron shows the system's dialog by
 * itself. So neither needs a procedure of its own, and the page never learns a path.
 */
import type { DownloadItem, Session } from 'electron'
import { extname, join } from 'node:path'
import { appOrigin } from './appPages.ts'

const typeNames: Readonly<Record<string, string>> = {
  '.me2run': 'ME2 run',
  '.csv': 'CSV',
  '.png': 'PNG',
  '.html': 'HTML',
  '.json': 'JSON',
}

function offerToSave(item: Pick<DownloadItem, 'getFilename' | 'setSaveDialogOptions'>, folder: string): void {
  const name = item.getFilename()
  const extension = extname(name)
  item.setSaveDialogOptions({
    defaultPath: join(folder, name),
    filters: extension === '' ? [] : [{ name: typeNames[extension] ?? extension.slice(1), extensions: [extension.slice(1)] }],
  })
}

/** Only what the console's own page made may be saved; `folder` is where the dialog opens. */
export function handleDownloads(session: Pick<Session, 'on'>, folder: string): void {
  session.on('will-download', (event, item) => {
    if (item.getURL().startsWith(`blob:${appOrigin}/`))
      offerToSave(item, folder)
    else
      event.preventDefault()
  })
}
