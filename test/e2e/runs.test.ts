/** Recorded runs as a class uses them: replayed, compared, exported, imported, removed and brought back. */
import type { Browser, Page } from 'playwright-core'
import type { ServedConsole } from './support/consolePage.ts'
import { Buffer } from 'node:buffer'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seriousFindings } from './support/accessibility.ts'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'

let browser: Browser
let served: ServedConsole
let page: Page
const faults = new Faults()

beforeAll(async () => {
  served = await serveConsole()
  browser = await openBrowser()
  page = await openConsole(await openContext(browser, views.laptop), served.web, faults)
})

afterAll(async () => {
  await browser.close()
  await served.close()
})

const recordingId = '20261123-012538-web-me2-70653b'

/** The recording as somebody else's run: under another id, of a guest of that name, measured in that lab. */
async function foreignRun(id: string, guest: string, lab: 'boxed' | 'own' = 'boxed'): Promise<Buffer> {
  const { bytes } = await served.console.runs.export([recordingId], 'me2run', 'en')
  return gzipSync(gunzipSync(bytes).toString('utf8').replace(recordingId, id).replaceAll(/"race":\{[^}]*\}/g, '"race":null').replaceAll('"name":"web"', `"name":"${guest}"`).replace('"lab":"boxed"', `"lab":"${lab}"`))
}

async function importFile(name: string, buffer: Buffer): Promise<void> {
  await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/gzip', buffer })
}

async function goTo(path: string): Promise<void> {
  await page.goto(`http://127.0.0.1:${served.web.port}/#${path}`)
  await page.locator('h1').first().waitFor()
}

describe('a recorded race', () => {
  it('is one click from the first screen, and always marked as a replay', async () => {
    await goTo('/')
    await page.getByText('Replay the race').click()
    await page.getByText('replay', { exact: true }).first().waitFor()
    await page.getByText('recording', { exact: true }).first().waitFor()
    await page.getByRole('slider').first().press('End')
    await page.getByText(/Done\. web ran on host/).first().waitFor()
  })

  it('keeps the mark, and the lab\'s label, in presenter mode', async () => {
    await page.keyboard.press('p')
    await page.getByText('Presenting', { exact: true }).waitFor()
    expect(await page.getByRole('navigation').count()).toBe(0)
    await page.getByText('replay', { exact: true }).first().waitFor()
    await page.getByText('emulated CPU').first().waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('navigation').waitFor()
  })

  it('shows its result with the paper\'s averages beside it', async () => {
    await page.getByRole('button', { name: 'Result' }).or(page.getByRole('tab', { name: 'Result' })).or(page.getByRole('radio', { name: 'Result' })).first().click()
    await page.getByText(/^Over 2 pairs/).waitFor()
    await page.getByText('50.5 %').first().waitFor()
  })
})

describe('a run file that is dropped', () => {
  let folder: string

  beforeAll(() => folder = mkdtempSync(join(tmpdir(), 'me2-drop-')))
  afterAll(() => rmSync(folder, { recursive: true }))

  const words = () => page.getByText('Drop .me2run files to import them')

  /** As out of a file manager: Chromium's own drag of a file on disk, over the middle of the screen. */
  async function drag(name: string, bytes: Uint8Array): Promise<{ letFall: () => Promise<void> }> {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    const session = await page.context().newCDPSession(page)
    const send = async (type: 'dragEnter' | 'dragOver' | 'drop'): Promise<void> => {
      await session.send('Input.dispatchDragEvent', { type, x: 700, y: 500, data: { items: [], files: [path], dragOperationsMask: 1 } })
    }
    await send('dragEnter')
    await send('dragOver')
    return { letFall: async () => send('drop') }
  }

  it('is asked for while it is held over the screen, and imported where it falls', async () => {
    await goTo('/runs')
    const held = await drag('theirs.me2run', await foreignRun('dropped-run', 'webdrop'))
    await words().waitFor()
    await held.letFall()
    await page.getByText('1 run imported').first().waitFor()
    await page.getByRole('row', { name: /webdrop/ }).first().waitFor()
    expect(await words().count()).toBe(0)
  })

  it('is refused with its name and what to do where it is damaged; a whole one then takes the words away', async () => {
    const whole = await foreignRun('dropped-again', 'webagain')
    const alert = page.getByRole('alert')
    await (await drag('half.me2run', whole.subarray(0, whole.length / 2))).letFall()
    await alert.getByText(/^half\.me2run: .*damaged/).waitFor()
    expect(await alert.innerText()).toContain('Choose files that this console, or another one, exported.')
    expect(await page.getByRole('row', { name: /webagain/ }).count()).toBe(0)
    await (await drag('whole.me2run', whole)).letFall()
    await page.getByRole('row', { name: /webagain/ }).first().waitFor()
    expect(await alert.count()).toBe(0)
  })

  it('does not replace the console where it falls beside the place for it', async () => {
    const isTaken = (what: string): string => `(() => {
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(${what})
      return !document.querySelector('nav').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }))
    })()`
    expect(await page.evaluate(isTaken('new File(["x"], "x.me2run")'))).toBe(true)
    expect(await page.evaluate(isTaken('"dragged words", "text/plain"'))).toBe(false)
  })
})

describe('runs', () => {
  it('are exported as a file that can be imported again, then removed and brought back', async () => {
    await goTo('/runs')
    await importFile('run.me2run', await foreignRun('another-run', 'webcopy'))
    await page.getByText('1 run imported').first().waitFor()
    const row = page.getByRole('row', { name: /webcopy/ }).first()
    await row.waitFor()
    await row.getByRole('button', { name: /More for/ }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await row.waitFor({ state: 'detached' })
    expect(await seriousFindings(page), 'with a notice shown').toEqual([])
    await page.keyboard.press('F8')
    await page.keyboard.press('Enter')
    await row.waitFor()
    expect(await page.getByRole('button', { name: 'Undo' }).count(), 'a notice goes with what it offers').toBe(0)
  })

  it('refuse a file that is none, and say so', async () => {
    await importFile('holiday.me2run', Buffer.from('no run'))
    await page.getByText(/holiday\.me2run/).first().waitFor()
  })

  it('say in which lab they were measured, whichever the top bar names', async () => {
    const [emulated, own] = ['emulated CPU', 'own hosts'].map(words => page.getByRole('main').getByText(words, { exact: true }))
    await goTo('/runs')
    await importFile('own.me2run', await foreignRun('own-run', 'webown', 'own'))
    await page.getByRole('row', { name: /webown/ }).first().waitFor()
    for (const view of ['', '&replay=1', '&rounds=1']) {
      await goTo(`/runs?run=own-run${view}`)
      await own!.waitFor()
      expect(await emulated!.count(), view).toBe(0)
      await goTo(`/runs?run=${recordingId}${view}`)
      await emulated!.waitFor()
      expect(await own!.count(), view).toBe(0)
      await page.keyboard.press('p')
      await page.getByText('leaves').waitFor()
      expect(await emulated!.count(), `${view} presented, beside the label of the lab`).toBe(2)
      await page.keyboard.press('Escape')
    }
    await goTo(`/runs?overlay=own-run,${recordingId}`)
    await own!.first().waitFor()
    expect([await own!.count(), await emulated!.count()], 'above, and at each run').toEqual([2, 2])
  })

  it('become figures and a report that stands by itself', async () => {
    await goTo(`/runs?run=${recordingId}`)
    for (const [item, pattern] of [[/^CSV/, /linkBytes,bytes,\d+/], [/^Report/, /<svg/]] as const) {
      await page.getByRole('button', { name: 'Export' }).click()
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()])
      expect(readFileSync(await download.path(), 'utf8')).toMatch(pattern)
    }
  })

  it('had no fault on the way', () => {
    expect(faults.list).toEqual([])
  })
})
