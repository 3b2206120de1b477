/** `npm run shots`: every screen in every view, to shots/, which git ignores. With recordings only; no lab is started. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { screens } from '../../renderer/app/screens.ts'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'

const folder = join(import.meta.dirname, '..', '..', 'shots')
const settleMs = 1200

await mkdir(folder, { recursive: true })
const served = await serveConsole()
const browser = await openBrowser()
const faults = new Faults()
try {
  for (const [name, view] of Object.entries(views)) {
    const context = await openContext(browser, view)
    const page = await openConsole(context, served.web, faults)
    for (const screen of screens) {
      await page.goto(`http://127.0.0.1:${served.web.port}/#${screen.path}`)
      await sleep(settleMs)
      await page.screenshot({ path: join(folder, `${screen.name}-${name}.png`) })
    }
    await context.close()
  }
}
finally {
  await browser.close()
  await served.close()
}
process.stdout.write(`${folder}\n${faults.list.map(fault => `fault: ${fault}\n`).join('')}`)
process.exitCode = faults.list.length > 0 ? 1 : 0
