/**
 * The main job as a person does it, on real Xen: open the console, see the lab come up, look into a guest, race it, read
 * the result, export a run and import it again. Everything between the browser and the hypervisor is the product.
 */
import type { Browser, Page } from 'playwright-core'
import type { ListedRun } from '../../shared/contract/runs.ts'
import type { ServedConsole } from '../e2e/support/consolePage.ts'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from '../e2e/support/consolePage.ts'

const minutes = 60_000
const guest = 'idle'
const rateMbit = '100'

let browser: Browser
let served: ServedConsole
let page: Page
const faults = new Faults()

beforeAll(async () => {
  served = await serveConsole()
  await served.console.lab.look()
  browser = await openBrowser()
  page = await openConsole(await openContext(browser, views.laptop), served.web, faults)
})

afterAll(async () => {
  await browser.close()
  await served.close()
})

async function goTo(path: string): Promise<void> {
  await page.goto(`http://127.0.0.1:${served.web.port}/#${path}`)
  await page.locator('h1').first().waitFor()
}

/** The host that has the guest, by the console's own list. */
async function hostOfGuest(): Promise<string> {
  const has = (): string | undefined => served.console.hosts.hosts.value.find(host => host.guests.some(({ name, state }) => name === guest && (state === 'running' || state === 'blocked')))?.name
  await expect.poll(has, { timeout: 2 * minutes }).toBeDefined()
  return has()!
}

describe('the console on the boxed lab', () => {
  it('brings the lab up, or finds it, and says when it is ready', async () => {
    await goTo('/')
    const start = page.getByRole('button', { name: /Start the lab|Start it again/ })
    const ready = page.getByText('Ready: 2 hosts')
    await start.or(ready).first().waitFor()
    if (await start.isVisible())
      await start.click()
    await ready.waitFor({ timeout: 10 * minutes })
  })

  it('shows both hosts with their checks, guests and load', async () => {
    await goTo('/hosts')
    await page.getByRole('row', { name: /^hosta/ }).getByText('ready').waitFor({ timeout: minutes })
    await page.getByRole('row', { name: /^hostb/ }).getByText('ready').waitFor({ timeout: minutes })
    await page.getByText('This is the control domain (dom0) of a Xen host.').waitFor()
    await page.getByRole('row', { name: new RegExp(`^${guest}`) }).getByText('running').waitFor({ timeout: minutes })
    await expect.poll(async () => page.getByRole('row', { name: /^hosta/ }).innerText(), { timeout: minutes }).toMatch(/\d+ %/)
  })

  it('maps a guest\'s memory, follows it, and looks into a page', async () => {
    const host = await hostOfGuest()
    const openedAtMs = performance.now()
    await goTo(`/memory?host=${host}&guest=${guest}`)
    await page.getByText('65,536').first().waitFor({ timeout: minutes })
    console.log(`first picture of ${guest} after ${((performance.now() - openedAtMs) / 1000).toFixed(1)} s`)
    await page.getByText(/The whole guest is looked at about every/).waitFor({ timeout: minutes })
    const box = await page.locator('canvas').first().boundingBox()
    await page.mouse.click(box!.x + box!.width / 3, box!.y + box!.height / 3)
    await page.getByText('Size by encoder').waitFor({ timeout: minutes })
  })

  it('races the guest there and back, and says what each way cost', async () => {
    const host = await hostOfGuest()
    await goTo(`/race?host=${host}&guest=${guest}`)
    await page.getByRole('spinbutton', { name: /Pairs/ }).fill('1')
    await page.getByRole('spinbutton', { name: /Link cap/ }).fill(rateMbit)
    await page.keyboard.press('Tab')
    await page.getByRole('button', { name: 'Start race' }).click({ timeout: 2 * minutes })
    await page.getByText(/Can be stopped/).waitFor({ timeout: 2 * minutes })
    await page.getByRole('heading', { name: 'Race result' }).waitFor({ timeout: 10 * minutes })
    const verdict = await page.getByText(/^In one pair/).innerText()
    console.log(verdict)
    const listed = (await served.console.runs.watch().next()).value as ListedRun[]
    const finished = listed.filter(({ source }) => source === 'own').map(({ run }) => run!)
    expect(finished.map(({ settings, result }) => [settings.mode, result?.outcome, result?.verify?.differing, result?.guestBad]).sort()).toEqual([
      ['me2', 'migrated', 0, 0],
      ['stock', 'migrated', 0, 0],
    ])
    const bytes = (mode: string): number => finished.find(({ settings }) => settings.mode === mode)!.result!.linkBytes
    expect(bytes('me2')).toBeLessThan(bytes('stock'))
    expect(verdict).toContain('less')
  })

  it('exports the figures and a report from the result', async () => {
    const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()])
    expect(readFileSync(await csv.path(), 'utf8')).toContain('linkBytes,bytes,')
    const [report] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Report' }).click()])
    expect(readFileSync(await report.path(), 'utf8')).toContain('ME2 ÷ stock')
  })

  it('had no fault on any screen', () => {
    expect(faults.list).toEqual([])
  })
})
