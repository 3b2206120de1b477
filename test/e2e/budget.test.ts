/** What the first screen costs: bytes are a bar; times are printed, being this machine's. */
import type { Browser } from 'playwright-core'
import type { ServedConsole } from './support/consolePage.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rendererFolder } from '../../electron/folders.ts'
import { openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'

const maxFirstBytes = 600_000

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

it('loads at most 600 kB of script and style, gzipped, before any lazy chunk', () => {
  const html = readFileSync(join(rendererFolder, 'index.html'), 'utf8')
  const names = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map(match => match[1]!)
  expect(names.length).toBeGreaterThan(1)
  const bytes = names.map(name => gzipSync(readFileSync(join(rendererFolder, name))).length).reduce((sum, each) => sum + each, 0)
  console.log(`first load: ${(bytes / 1000).toFixed(0)} kB gzip in ${names.length} files; ${readdirSync(join(rendererFolder, 'assets')).length} files in all`)
  expect(bytes).toBeLessThanOrEqual(maxFirstBytes)
})

it('prints when the first screen can be used', async () => {
  const page = await openConsole(await openContext(browser, views.laptop), served.web)
  const paintMs = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null)
  const usableMs = await page.evaluate(() => performance.now())
  console.log(`first contentful paint after ${paintMs?.toFixed(0)} ms, heading there and asked about after ${usableMs.toFixed(0)} ms`)
  expect(paintMs).not.toBeNull()
})
