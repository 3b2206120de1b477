/** Every screen in a real browser on the real router: nothing breaks, nothing leaves, everybody can use it. */
import type { Browser, Page } from 'playwright-core'
import type { ServedConsole } from './support/consolePage.ts'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { screens } from '../../renderer/app/screens.ts'
import { seriousFindings } from './support/accessibility.ts'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'

let browser: Browser
let served: ServedConsole

beforeAll(async () => {
  served = await serveConsole()
  browser = await openBrowser()
})

afterAll(async () => {
  await browser.close()
  await served.close()
})

const addressOf = (path: string): string => `http://127.0.0.1:${served.web.port}/#${path}`

async function goTo(page: Page, path: string): Promise<void> {
  await page.goto(addressOf(path))
  await page.locator('h1').first().waitFor()
  await page.waitForLoadState('networkidle')
}

describe.each(Object.entries(views))('in the view %s', (_, view) => {
  it.each(screens.map(({ name, path }) => [name, path] as const))('%s has no fault, no serious finding and no sideways scroll', async (_name, path) => {
    const context = await openContext(browser, view)
    const faults = new Faults()
    const page = await openConsole(context, served.web, faults)
    await goTo(page, path)
    expect(await seriousFindings(page)).toEqual([])
    // As text: it runs in the page, whose types these are not.
    expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(await page.locator('body').innerText()).not.toMatch(/\b(?:app|autopilot|home|hosts|lab|memory|race|runs|settings)\.[a-z]+(?:\.[a-z]*)?\b(?!\.)/i)
    expect(faults.list).toEqual([])
    await context.close()
  })
})

describe('the frame', () => {
  let page: Page

  beforeAll(async () => {
    page = await openConsole(await openContext(browser, views.laptop), served.web)
  })

  it('hides the token from the address and survives a reload', async () => {
    expect(page.url()).not.toContain('token')
    await page.reload()
    await page.locator('h1').first().waitFor()
    expect(await page.getByText('does not answer').count()).toBe(0)
  })

  it('goes by keys: screens, list of keys, palette, theme', async () => {
    await page.keyboard.press('2')
    await page.getByRole('heading', { name: 'Hosts', level: 1 }).waitFor()
    await page.keyboard.press('6')
    await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Type a screen').fill('Settings')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page.keyboard.press('d')
    await page.locator('html.dark').waitFor()
  })

  it('speaks Chinese when asked, and keeps it', async () => {
    await page.getByRole('button', { name: /Language/ }).click()
    await page.getByRole('heading', { name: '设置', level: 1 }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: '设置', level: 1 }).waitFor()
    await page.getByRole('button', { name: /语言/ }).click()
  })

  it('tells what is wrong with an address without its token', async () => {
    const stranger = await (await openContext(browser, views.laptop)).newPage()
    await stranger.goto(addressOf('/'))
    await stranger.getByText('This address is not complete').waitFor()
  })

  it('shows a viewer nothing that would be refused', async () => {
    const viewer = await (await openContext(browser, views.laptop)).newPage()
    await viewer.goto(served.web.addresses.viewer)
    await viewer.getByText('viewer', { exact: true }).waitFor()
    await goTo(viewer, '/hosts')
    expect(await viewer.getByRole('button', { name: 'Add host' }).count()).toBe(0)
    expect(await viewer.getByRole('button', { name: 'Start the lab' }).count()).toBe(0)
  })
})

describe('hosts', () => {
  it('are added, refused with the reason, and removed', async () => {
    const page = await openConsole(await openContext(browser, views.laptop), served.web)
    await goTo(page, '/hosts')
    await page.getByRole('button', { name: 'Add host' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name').fill('nowhere')
    await form.getByLabel('Address').fill('root@127.0.0.1:1')
    await form.getByRole('button', { name: 'Add host' }).click()
    await page.getByRole('alert').first().waitFor()
    expect(await page.getByRole('alert').first().innerText()).toMatch(/127\.0\.0\.1/)
    await page.getByRole('button', { name: 'What to do with nowhere' }).click()
    await page.getByRole('menuitem', { name: 'Remove from the list' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No hosts yet').waitFor()
  })
})

describe('settings', () => {
  it('are kept, and the diagnostic bundle has no name of this machine in it', async () => {
    const page = await openConsole(await openContext(browser, views.laptop), served.web)
    await goTo(page, '/settings')
    await page.getByLabel('Link cap').fill('50')
    await page.getByLabel('Link cap').press('Enter')
    await expect.poll(() => served.console.settings.settings.value.race.rateMbit).toBe(50)
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the bundle' }).click()])
    const text = readFileSync(await download.path(), 'utf8')
    expect(JSON.parse(text)).toHaveProperty('console.version')
    for (const secret of [hostname(), served.web.addresses.operator.split('token=')[1]!])
      expect(text).not.toContain(secret)
  })
})
