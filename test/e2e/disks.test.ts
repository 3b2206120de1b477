/** The map of a real file system, from the real agent to the screen. */
import type { Browser, Page } from 'playwright-core'
import type { ServedConsole } from './support/consolePage.ts'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seriousFindings } from './support/accessibility.ts'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'
import { playLocalHost } from './support/localHost.ts'

const blocks = 16_384
const fileBytes = 40_000
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

let folder: string
let browser: Browser
let served: ServedConsole

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-disks-'))
  const tree = join(folder, 'tree')
  await mkdir(tree)
  for (let file = 0; file < 100; file++)
    await writeFile(join(tree, `file ${file}`), Buffer.alloc(fileBytes, file + 1))
  const image = join(folder, 'disk.img')
  await promisify(execFile)('mkfs.ext4', ['-q', '-b', '4096', '-d', tree, image, String(blocks)], { env })
  served = await serveConsole()
  playLocalHost(served.console, [
    { name: 'web', disks: { xvda: `aio:${image}`, xvdb: 'qcow2:/srv/other.qcow2' } },
    { name: 'bare', disks: {} },
  ])
  browser = await openBrowser()
})

afterAll(async () => {
  await browser.close()
  await served.close()
  await rm(folder, { recursive: true })
})

async function goTo(page: Page, query: string): Promise<void> {
  await page.goto(`http://127.0.0.1:${served.web.port}/#/memory?host=here&${query}`)
}

describe.each(Object.entries(views))('a disk in the view %s', (_, view) => {
  it('has no fault, no serious finding and no sideways scroll', async () => {
    const context = await openContext(browser, view)
    const faults = new Faults()
    const page = await openConsole(context, served.web, faults)
    await goTo(page, 'guest=web&disk=xvda')
    await page.locator('[data-map]').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    expect(await page.evaluate('document.scrollingElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(await page.locator('body').innerText()).not.toMatch(/\b(?:map|memory|disk)\.[a-z]+\b(?!\.)/i)
    expect(faults.list).toEqual([])
    await context.close()
  })
})

describe('the disk of a guest', () => {
  let page: Page

  beforeAll(async () => {
    page = await openConsole(await openContext(browser, views.laptop), served.web)
    await goTo(page, 'guest=web')
  })

  it('is found beside its memory, and has every block in a class', async () => {
    await page.getByRole('button', { name: 'Disk xvda' }).click()
    await page.getByRole('heading', { name: 'Disk', level: 1 }).waitFor()
    await page.getByRole('button', { name: /^Whole disk ext4/ }).first().waitFor()
    const rowOf = async (name: string): Promise<number> =>
      Number((await page.getByRole('group', { name: /Block classes/ }).getByRole('button', { name }).locator('span').nth(2).innerText()).replaceAll(',', ''))
    expect(await rowOf('File data')).toBeGreaterThanOrEqual(100 * Math.ceil(fileBytes / 4096))
    expect(await rowOf('Free')).toBeGreaterThan(blocks / 2)
    const used = blocks - await rowOf('Free')
    expect(await page.getByText(`${used.toLocaleString('en-US')} blocks in use`).count()).toBe(1)
  })

  it('tells of a block under the keys: number, byte, class, volume', async () => {
    await page.locator('[data-map-focus]').focus()
    await page.keyboard.press('Home')
    const map = page.locator('[data-map-focus]')
    await map.getByText('Metadata').first().waitFor()
    await page.keyboard.press('ArrowDown')
    expect((await map.innerText()).replaceAll(/\s+/g, ' ')).toMatch(/Block 1 From byte 4,096 .*Volume Whole disk, ext4/)
  })

  it('is looked at again when asked', async () => {
    const disk = await readFile(join(folder, 'disk.img'))
    await writeFile(join(folder, 'disk.img'), Buffer.alloc(blocks * 4096, 1))
    await page.getByRole('button', { name: 'Look again' }).click()
    await page.getByRole('button', { name: /^Whole disk not understood/ }).waitFor()
    await writeFile(join(folder, 'disk.img'), disk)
  })

  it('may be one that cannot be looked into, which says why; the way back to the memory stays', async () => {
    await page.getByRole('button', { name: 'Disk xvdb' }).click()
    await page.getByText('xvdb is a qcow2 image').waitFor()
    await page.getByRole('button', { name: 'Memory', exact: true }).click()
    await page.getByRole('heading', { name: 'Memory', level: 1 }).waitFor()
    await page.getByText('65,536').first().waitFor()
  })

  it('is not spoken of where there is none', async () => {
    await goTo(page, 'guest=bare')
    await page.getByText('65,536').first().waitFor()
    expect(await page.getByRole('button', { name: /^Disk / }).count()).toBe(0)
  })
})
