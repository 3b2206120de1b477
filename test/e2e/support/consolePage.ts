/** The real console behind a real browser: services, router, web server and the built pages; nothing is faked but the user. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Console } from '../../../electron/console.ts'
import type { WebServer } from '../../../electron/web.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { chromium } from 'playwright-core'
import { createConsole } from '../../../electron/console.ts'
import { rendererFolder, resourcesFolder } from '../../../electron/folders.ts'
import { startWeb } from '../../../electron/web.ts'

/** Debian's. Its sandbox needs a user that is not root. */
const browserPath = '/usr/bin/chromium'

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}

export interface ServedConsole {
  console: Console
  web: WebServer
  close: () => Promise<void>
}

/** With a data folder of its own, thrown away at the end. `resources`: another folder than the product's own. */
export async function serveConsole(resources = resourcesFolder): Promise<ServedConsole> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'me2-e2e-'))
  const console = await createConsole({ dataFolder, resourcesFolder: resources, shell: 'web', version: 'test' })
  const web = await startWeb({ console, filesFolder: rendererFolder })
  const close = async (): Promise<void> => {
    await web.close()
    await console.close()
    await rm(dataFolder, { recursive: true, force: true })
  }
  return { console, web, close }
}

/** What must not happen on any page: an error in the log, a breach of the content security policy, a request to elsewhere. */
export class Faults {
  readonly list: string[] = []

  watch(page: Page, ownOrigin: string): void {
    page.on('console', (message) => {
      if (message.type() === 'error')
        this.list.push(message.text())
    })
    page.on('pageerror', error => this.list.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(ownOrigin) && !/^(?:blob|data|about):/.test(request.url()))
        this.list.push(`request to ${request.url()}`)
    })
  }
}

export interface View {
  width: number
  height: number
  dark: boolean
  language: 'en' | 'zh'
}

export const views = {
  laptop: { width: 1440, height: 900, dark: false, language: 'en' },
  laptopDark: { width: 1440, height: 900, dark: true, language: 'en' },
  projector: { width: 1024, height: 768, dark: false, language: 'en' },
  projectorDark: { width: 1024, height: 768, dark: true, language: 'en' },
  chinese: { width: 1440, height: 900, dark: false, language: 'zh' },
} as const satisfies Record<string, View>

export async function openContext(browser: Browser, { width, height, dark, language }: View): Promise<BrowserContext> {
  return browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    locale: language === 'zh' ? 'zh-CN' : 'en-GB',
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
}

/** Opens the console as its operator and waits for the first screen. */
export async function openConsole(context: BrowserContext, web: WebServer, faults = new Faults()): Promise<Page> {
  const page = await context.newPage()
  faults.watch(page, `http://127.0.0.1:${web.port}`)
  await page.goto(web.addresses.operator)
  await page.locator('h1').first().waitFor()
  return page
}
