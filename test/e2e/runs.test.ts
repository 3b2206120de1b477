/** Recorded runs as a class uses them: replayed, compared, exported, imported, removed and brought back. */
import type { Browser, Page } from 'playwright-core'
import type { ServedConsole } from './support/consolePage.ts'
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

describe('runs', () => {
  it('are exported as a file that can be imported again, then removed and brought back', async () => {
    await goTo('/runs')
    const { bytes } = await served.console.runs.export([recordingId], 'me2run', 'en')
    const text = gunzipSync(bytes).toString('utf8').replace(recordingId, 'another-run').replaceAll(/"race":\{[^}]*\}/g, '"race":null').replaceAll('"name":"web"', '"name":"webcopy"')
    await importFile('run.me2run', gzipSync(text))
    await page.getByText('1 run imported').first().waitFor()
    const row = page.getByRole('row', { name: /webcopy/ }).first()
    await row.waitFor()
    await row.getByRole('button', { name: /More for/ }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await row.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).first().click()
    await row.waitFor()
  })

  it('refuse a file that is none, and say so', async () => {
    await importFile('holiday.me2run', Buffer.from('no run'))
    await page.getByText(/holiday\.me2run/).first().waitFor()
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
