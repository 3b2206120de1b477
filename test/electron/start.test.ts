/**
 * The built app on Electron itself. Needs Electron's executable, which comes by a download of its own, and a display or
 * Xvfb; `npm run build` before it.
 */
import type { ElectronApplication, Page } from 'playwright-core'
import type { Display } from './display.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { _electron } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findElectron } from '../../electron/shell/findElectron.ts'
import { canDisplay, openDisplay } from './display.ts'

const root = join(import.meta.dirname, '..', '..')
const executable = findElectron(root)
const missing = executable === null ? 'Electron\'s executable is not here' : canDisplay() ? null : 'there is neither a display nor Xvfb'

describe.skipIf(missing !== null)(`the app in Electron${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string
  let display: Display
  let app: ElectronApplication
  let page: Page

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'me2-electron-'))
    await writeFile(join(folder, 'settings.json'), JSON.stringify({ language: 'en', lab: { startWithConsole: false } }))
    display = await openDisplay()
    app = await _electron.launch({
      executablePath: executable ?? '',
      // Root cannot have Chromium's sandbox; everybody else's run has it.
      args: [root, `--user-data-dir=${join(folder, 'electron')}`, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
      env: { ...display.env, ME2_DATA_DIR: folder },
    })
    page = await app.firstWindow()
  })

  afterAll(async () => {
    await app?.close()
    display?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('shows its own page, connected through the port', async () => {
    expect(page.url()).toMatch(/^app:\/\/console\//)
    await page.getByRole('navigation').waitFor()
    await page.getByRole('status').filter({ hasText: 'onsole' }).waitFor({ state: 'detached' })
  })

  it('has a port again after a reload', async () => {
    await page.reload()
    await page.getByRole('navigation').waitFor()
    await page.getByRole('status').filter({ hasText: 'onsole' }).waitFor({ state: 'detached' })
  })

  it('gives its page nothing of Node\'s or Electron\'s', async () => {
    expect(await page.evaluate(() => ['require', 'process', 'module', 'Buffer', 'electron', 'ipcRenderer'].filter(name => name in globalThis))).toEqual([])
  })

  it('opens no window, goes nowhere, and loads nothing from outside', async () => {
    // As text: it runs in the page, whose types these are not.
    const outcome = await page.evaluate(`(async () => {
      const opened = window.open('https://example.org/')
      location.href = 'https://example.org/'
      return [opened, await fetch('https://example.org/').then(() => 'loaded', () => 'refused')]
    })()`)
    expect(outcome).toEqual([null, 'refused'])
    expect(page.url()).toMatch(/^app:\/\/console\//)
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
  })
})
