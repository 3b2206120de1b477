/** The autopilot's screen on the real router: what it shows is made up, who asks for what is not. */
import type { Browser, Page } from 'playwright-core'
import type { AutopilotView } from '../../shared/contract/autopilot.ts'
import type { ServedConsole } from './support/consolePage.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Watched } from '../../electron/services/watched.ts'
import { busyView } from '../renderer/autopilot/view.ts'
import { seriousFindings } from './support/accessibility.ts'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'

let browser: Browser
let served: ServedConsole
let real: ServedConsole['console']['autopilot']
let view: Watched<AutopilotView>
let asked: string[]
let faults: Faults
let page: Page

beforeAll(async () => {
  served = await serveConsole()
  real = served.console.autopilot
  browser = await openBrowser()
})

beforeEach(async () => {
  view = new Watched(busyView())
  asked = []
  served.console.autopilot = {
    ...real, view, isOn: true, isMoving: false,
    approve: id => void asked.push(`approve ${id}`),
    dismiss: id => void asked.push(`dismiss ${id}`),
    stop: async () => void asked.push('stop'),
  }
  faults = new Faults()
  page = await openConsole(await openContext(browser, views.laptop), served.web, faults)
  await page.goto(`http://127.0.0.1:${served.web.port}/#/autopilot`)
  await page.getByRole('heading', { level: 1, name: 'Autopilot' }).waitFor()
})

afterAll(async () => {
  served.console.autopilot = real
  await browser.close()
  await served.close()
})

describe('the autopilot', () => {
  it('shows hosts, decision and reasons without a serious finding', async () => {
    await page.getByText('Move web from hosta to hostc.').first().waitFor()
    expect(await page.getByRole('table', { name: 'CPU of each host' }).getByRole('row', { name: /^hosta/ }).innerText()).toMatch(/too busy\s+93 % now, 48 % after\s+dom0 8 %, web 45 %, db 40 %/)
    expect(await seriousFindings(page)).toEqual([])
    expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(faults.list).toEqual([])
  })

  it('passes on what its operator decides', async () => {
    await page.getByRole('button', { name: 'Do it' }).click()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByRole('button', { name: 'Stop autopilot' }).click()
    await expect.poll(() => asked).toEqual(['approve p1', 'dismiss p1', 'stop'])
  })

  it('has no buttons for a viewer', async () => {
    const context = await openContext(browser, views.projector)
    const viewer = await context.newPage()
    await viewer.goto(served.web.addresses.viewer)
    await viewer.locator('h1').first().waitFor()
    await viewer.goto(`http://127.0.0.1:${served.web.port}/#/autopilot`)
    await viewer.getByText('Move web from hosta to hostc.').first().waitFor()
    expect(await viewer.getByRole('button', { name: /Do it|Not now|Stop autopilot|Rules|Load of/ }).count()).toBe(0)
    await context.close()
  })

  it('keeps the rules in the settings, and says what it cannot understand', async () => {
    await page.getByRole('button', { name: 'Rules' }).click()
    const pinned = page.getByLabel('Pinned guests')
    await pinned.fill('web')
    await pinned.blur()
    await page.getByText('That cannot be understood.').waitFor()
    await pinned.fill('web: hosta')
    await pinned.blur()
    // a click takes the focus from the field: two changes in one instant
    await page.getByLabel('Guests never moved').fill('db')
    await page.getByLabel('Switch off hosts').click()
    await expect.poll(() => served.console.settings.settings.value.autopilot.policy).toMatchObject({ pinned: { web: 'hosta' }, excluded: ['db'], savesPower: true })
  })

  it('follows what comes', async () => {
    view.set(busyView({ state: 'off', hosts: [], plan: null, proposal: null, problem: { code: 'busy', message: 'this host has an autopilot already, that of alice', action: 'Stop that one.' } }))
    await page.getByText('that of alice').waitFor()
  })
})

describe('the simulation', () => {
  it('runs in a worker that the content security policy allows, and says what it is', async () => {
    await page.getByRole('tab', { name: 'Simulation' }).click()
    await page.getByText('Simulation: nothing is migrated').waitFor()
    await page.getByLabel('Hours').fill('2')
    await page.getByRole('button', { name: 'Simulate' }).click()
    await page.getByText('8 hosts, 48 guests, 2.0 simulated hours.').waitFor()
    expect(await page.getByRole('columnheader').allInnerTexts()).toEqual(['ME2 Autopilot', 'Sandpiper', 'Threshold only', 'No moves'])
    expect(faults.list).toEqual([])
  })

  it('refuses a file that is no recorded load, with the place', async () => {
    await page.getByRole('tab', { name: 'Simulation' }).click()
    await page.getByLabel('Recorded load').setInputFiles({ name: 'load.json', mimeType: 'application/json', buffer: Buffer.from('{"hosts":[],"guests":[]}') })
    await page.getByRole('button', { name: 'Simulate' }).click()
    await page.getByText(/It could not be simulated: hosts/).waitFor()
  })
})
