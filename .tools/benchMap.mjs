/**
 * Frames a second and CPU time of the memory map, with the real component in Chromium: panning and zooming 16 million
 * pages, and the cost of updates of a 256 MB guest twice a second. Beside it the least that a picture of this size costs
 * here, so that the map's own share can be told from the browser's. `npm run bench:map`
 */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { chromium } from 'playwright-core'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')
const benchFolder = join(root, 'test', 'renderer', 'map', 'bench')
const mediaTypes = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
const manyPages = 4096 * 4096
const guestPages = 65_536
const moveSeconds = 5
const updateSeconds = 20
const mapPixels = 768
const viewport = { width: 1440, height: 900 }

function say(text) {
  process.stdout.write(`${text}\n`)
}

async function buildPage(outDir) {
  await build({
    configFile: false,
    logLevel: 'warn',
    root: benchFolder,
    base: './',
    resolve: { alias: [{ find: /^.*\/app\/connection\.ts$/, replacement: join(benchFolder, 'connection.ts') }] },
    build: { outDir, emptyOutDir: true, target: 'es2024' },
    plugins: [vue(), tailwindcss()],
  })
}

async function serve(folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://bench')
    const name = pathname === '/' ? '/index.html' : pathname
    response.setHeader('content-type', mediaTypes[extname(name)] ?? 'application/octet-stream')
    createReadStream(join(folder, name)).on('error', () => response.writeHead(404).end()).pipe(response)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Seconds of CPU so far: the page's main thread, its whole process, and the process that draws. */
async function cpuSeconds({ metrics, system }) {
  const { metrics: values } = await metrics.send('Performance.getMetrics')
  const { processInfo } = await system.send('SystemInfo.getProcessInfo')
  const total = type => processInfo.filter(process => process.type === type).reduce((sum, { cpuTime }) => sum + cpuTime, 0)
  return { mainThread: values.find(({ name }) => name === 'TaskDuration').value, renderer: total('renderer'), gpu: total('GPU') }
}

/** CPU seconds and the answer of `during`. */
async function measured(meter, during) {
  const before = await cpuSeconds(meter)
  const answer = await during()
  const after = await cpuSeconds(meter)
  return { answer, mainThread: after.mainThread - before.mainThread, renderer: after.renderer - before.renderer, gpu: after.gpu - before.gpu }
}

async function meterOf(page) {
  const meter = { metrics: await page.context().newCDPSession(page), system: await page.context().browser().newBrowserCDPSession() }
  await meter.metrics.send('Performance.enable', { timeDomain: 'threadTicks' })
  return meter
}

async function openPage(browser, port, query) {
  const page = await browser.newPage({ viewport })
  page.on('pageerror', error => console.error(String(error)))
  const started = performance.now()
  await page.goto(`http://127.0.0.1:${port}/?${query}`)
  await page.locator('[data-map]').waitFor({ timeout: 120_000 })
  await page.evaluate(async () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))))
  const firstPictureMs = performance.now() - started
  return { page, meter: await meterOf(page), firstPictureMs }
}

/** Moves the map once a frame; returns frames and seconds. Runs in the page. */
async function move({ how, seconds }) {
  const map = document.querySelector('[role=application]')
  const middle = map.getBoundingClientRect()
  const wheel = deltaY => map.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX: middle.left + middle.width / 2, clientY: middle.top + middle.height / 2, cancelable: true }))
  const press = key => map.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey: true, cancelable: true }))
  if (how === 'pan')
    wheel(-1200)
  const start = performance.now()
  let frames = 0
  while (performance.now() - start < seconds * 1000) {
    await new Promise(resolve => requestAnimationFrame(resolve))
    if (how === 'pan')
      press(Math.floor(frames / 40) % 2 === 0 ? 'ArrowRight' : 'ArrowLeft')
    else
      wheel(Math.floor(frames / 60) % 2 === 0 ? -40 : 40)
    frames++
  }
  return { frames, seconds: (performance.now() - start) / 1000 }
}

/** Clears the page's only canvas to another colour once a frame, as the map's painter would; returns frames and seconds. Runs in the page. */
async function clear(seconds) {
  const canvas = document.querySelector('canvas')
  const gl = canvas.getContext('webgl2', { alpha: false, antialias: false, depth: false, stencil: false })
  const plain = gl ? null : canvas.getContext('2d', { alpha: false })
  const start = performance.now()
  let frames = 0
  while (performance.now() - start < seconds * 1000) {
    await new Promise(resolve => requestAnimationFrame(resolve))
    const grey = frames % 256
    if (gl) {
      gl.clearColor(grey / 255, grey / 255, grey / 255, 1)
      gl.clear(gl.COLOR_BUFFER_BIT)
    }
    else {
      plain.fillStyle = `rgb(${grey} ${grey} ${grey})`
      plain.fillRect(0, 0, canvas.width, canvas.height)
    }
    frames++
  }
  return { frames, seconds: (performance.now() - start) / 1000 }
}

async function glName(page) {
  return page.evaluate(() => {
    const gl = document.createElement('canvas').getContext('webgl2')
    const info = gl?.getExtension('WEBGL_debug_renderer_info')
    return info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : 'no WebGL2: the plain canvas'
  })
}

const perFrame = (seconds, frames) => `${(seconds * 1000 / frames).toFixed(2)} ms`
const share = (seconds, of) => `${(seconds / of * 100).toFixed(1)} %`

const frameRate = ({ answer: { frames, seconds } }) => frames / seconds

function describe(name, { mainThread, renderer, gpu, ...rest }) {
  const { frames } = rest.answer
  return `  ${name.padEnd(5)}  ${frameRate(rest).toFixed(1)} frames/s; a frame takes ${perFrame(mainThread, frames)} of the main thread, ${perFrame(renderer, frames)} of the page's process, ${perFrame(gpu, frames)} of the process that draws`
}

/** Against an empty picture. */
function ratios(measure, floor) {
  const drawing = ({ answer: { frames }, gpu }) => gpu / frames
  return `${(frameRate(measure) / frameRate(floor)).toFixed(2)} of its frames/s, ${(drawing(measure) / drawing(floor)).toFixed(2)} of its CPU a frame in the process that draws`
}

/** What remains when nothing is drawn: the browser's own putting together of a page with a picture of this size. */
async function benchEmpty(browser) {
  const page = await browser.newPage({ viewport })
  await page.setContent(`<canvas width="${mapPixels}" height="${mapPixels}"></canvas>`)
  const meter = await meterOf(page)
  const floor = await measured(meter, async () => page.evaluate(clear, moveSeconds))
  say(`an empty page with one canvas of ${mapPixels} × ${mapPixels} px that is only cleared, to another colour at each frame:`)
  say(describe('clear', floor))
  await page.close()
  return floor
}

async function benchMoves(browser, port, floor) {
  const { page, meter, firstPictureMs } = await openPage(browser, port, `frames=${manyPages}`)
  const drawnBy = await glName(page)
  say(`drawn by: ${drawnBy}${/SwiftShader|llvmpipe/i.test(drawnBy) ? ' (in software: a graphics card does what "the process that draws" does here)' : ''}`)
  say(`${manyPages.toLocaleString('en-US')} pages, ${mapPixels} × ${mapPixels} px: first picture after ${(firstPictureMs / 1000).toFixed(1)} s, the page's start and the making up of the guest included`)
  for (const how of ['pan', 'zoom']) {
    const measure = await measured(meter, async () => page.evaluate(move, { how, seconds: moveSeconds }))
    say(describe(how, measure))
    say(`         beside the empty page: ${ratios(measure, floor)}`)
  }
  await page.close()
}

async function benchUpdates(browser, port) {
  const { page, meter, firstPictureMs } = await openPage(browser, port, `frames=${guestPages}&updates=on`)
  say(`${guestPages.toLocaleString('en-US')} pages: first picture after ${(firstPictureMs / 1000).toFixed(2)} s`)
  await page.waitForTimeout(2000)
  const { mainThread, renderer, gpu } = await measured(meter, async () => page.waitForTimeout(updateSeconds * 1000))
  say(`  2 updates a second, each of about 1,700 changed and 2,500 written pages in 500 runs: ${share(mainThread, updateSeconds)} of a core in the main thread, ${share(renderer, updateSeconds)} in the page's process, ${share(gpu, updateSeconds)} in the process that draws`)
  await page.close()

  const { page: still, meter: stillMeter } = await openPage(browser, port, `frames=${guestPages}`)
  await still.waitForTimeout(2000)
  const idle = await measured(stillMeter, async () => still.waitForTimeout(5000))
  say(`  no updates: ${share(idle.mainThread, 5)} of a core in the main thread`)
  await still.close()
}

const folder = await mkdtemp(join(tmpdir(), 'me2-bench-map-'))
await buildPage(folder)
const server = await serve(folder)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
try {
  const { port } = server.address()
  await benchMoves(browser, port, await benchEmpty(browser))
  await benchUpdates(browser, port)
}
finally {
  await browser.close()
  server.close()
  await rm(folder, { recursive: true, force: true })
}
