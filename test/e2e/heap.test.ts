/** A race replayed over and over must not fill the browser: what a class leaves running all day has to stay small. */
import type { Browser, CDPSession } from 'playwright-core'
import type { ListedRun } from '../../shared/contract/runs.ts'
import type { ServedConsole } from './support/consolePage.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Faults, openBrowser, openConsole, openContext, serveConsole, views } from './support/consolePage.ts'

const replays = 12
const allowedGrowth = 1.2

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

async function usedHeapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  await sleep(300)
  await session.send('HeapProfiler.collectGarbage')
  return (await session.send('Runtime.getHeapUsage')).usedSize
}

it('keeps its heap within a fifth over an hour\'s worth of race events', async () => {
  const listed = (await served.console.runs.watch().next()).value as ListedRun[]
  const recording = listed.find(({ run }) => run?.guest.name === 'db')!
  const faults = new Faults()
  const page = await openConsole(await openContext(browser, views.laptop), served.web, faults)
  const session = await page.context().newCDPSession(page)
  const race = `http://127.0.0.1:${served.web.port}/#/runs?run=${recording.id}&race=${recording.run!.race!.id}&replay=1`
  const slider = page.getByRole('slider').first()
  const replayOnce = async (): Promise<void> => {
    await slider.press('Home')
    for (let step = 0; step < 12; step++)
      await slider.press('PageUp')
    await slider.press('End')
  }
  await page.goto(race)
  await slider.waitFor()
  await replayOnce()
  const before = await usedHeapBytes(session)
  for (let count = 0; count < replays; count++)
    await replayOnce()
  const after = await usedHeapBytes(session)
  console.log(`heap ${(before / 1e6).toFixed(1)} MB, after ${replays} replays of a race of ${((recording.run!.result?.totalMs ?? 0) / 1000).toFixed(0)} s and more: ${(after / 1e6).toFixed(1)} MB`)
  expect(after).toBeLessThan(before * allowedGrowth)
  expect(faults.list).toEqual([])
})
