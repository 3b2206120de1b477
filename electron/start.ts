#!/usr/bin/env node
/**
 * What `npm start` does: opens the console, in Electron where its binary and a display are at hand, otherwise for the
 * browser at an address that it prints; the boxed lab builds and boots meanwhile. Ctrl-C ends everything it started.
 *
 *   --port N      the web server's port; default: any free one
 *   --no-lab      leave the boxed lab as it is
 *   --no-browser  open no browser
 */
import type { LabView } from '../shared/contract/lab.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { Me2Error } from '../shared/errors.ts'
import { formatMs, sentences } from '../shared/model/format.ts'
import { Terminal } from './cli/terminal.ts'
import { createConsole } from './console.ts'
import { consoleVersion, dataFolder, rendererFolder, resourcesFolder, root } from './folders.ts'
import { asProblem } from './services/migration/problems.ts'
import { chooseDesktop } from './shell/findElectron.ts'
import { startWeb } from './web.ts'

const phaseNames: Record<LabView['phases'][number]['id'], string> = {
  tools: 'tools', image: 'image of the hosts', boot: 'booting', disks: 'disks of guests', guests: 'guests', agents: 'agents',
}

const { values: options } = parseArgs({
  options: { 'port': { type: 'string', default: '0' }, 'no-lab': { type: 'boolean', default: false }, 'no-browser': { type: 'boolean', default: false } },
})

const stop = new AbortController()
let interrupts = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (++interrupts > 1)
      process.exit(130)
    stop.abort()
  })
}

function openBrowser(address: string): void {
  const hasDisplay = (process.env.DISPLAY ?? '') !== '' || (process.env.WAYLAND_DISPLAY ?? '') !== ''
  if (options['no-browser'] || process.platform !== 'linux' || !hasDisplay)
    return
  const browser = spawn('xdg-open', [address], { stdio: 'ignore', detached: true })
  browser.on('error', () => {})
  browser.unref()
}

function describe({ state, phases, problem }: LabView): [string, string] {
  const phase = phases.find(each => each.state === 'running')
  if (phase)
    return [`Boxed lab: ${phaseNames[phase.id]}`, `${phase.detail}${phase.elapsedMs === null ? '' : ` (${formatMs(phase.elapsedMs)})`}`]
  if (problem)
    return [`The boxed lab ${state === 'failed' ? 'did not start' : `is ${state}`}: ${problem.message}`, problem.action]
  return [`The boxed lab is ${state}.`, '']
}

async function serveWeb(port: number): Promise<void> {
  const terminal = new Terminal(process.stderr)
  const console = await createConsole({ dataFolder: dataFolder(), resourcesFolder, shell: 'web', version: consoleVersion() })
  const web = await startWeb({ console, filesFolder: rendererFolder, port })
  process.stdout.write(`The console is here:\n${web.addresses.operator}\nFor a second screen that only watches:\n${web.addresses.viewer}\nCtrl-C ends it.\n`)
  openBrowser(web.addresses.operator)
  await console.bringUpLab({ mayStart: !options['no-lab'] })
  for await (const view of console.lab.view.follow({ signal: stop.signal, everyMs: 500 }))
    terminal.status(...describe(view))
  terminal.line('Ending …')
  await console.close()
  await web.close()
}

/** The app does all by itself; it ends with its window, or with this program. */
async function openDesktop(executable: string): Promise<void> {
  const app = spawn(executable, [root], { stdio: 'inherit' })
  stop.signal.addEventListener('abort', () => app.kill())
  await once(app, 'exit')
}

function wantedPort(): number {
  const port = Number(options.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Me2Error('usage', `${options.port} is no port.`, 'Give --port a number from 1 to 65535, or leave it out.')
  return port
}

async function open(): Promise<void> {
  const desktop = chooseDesktop(root, { platform: process.platform, env: process.env, uid: process.getuid?.() })
  if ('executable' in desktop)
    return openDesktop(desktop.executable)
  process.stderr.write(`Served to the browser, because ${desktop.reason}.\n`)
  return serveWeb(wantedPort())
}

try {
  await open()
  process.exit(0)
}
catch (error) {
  const { message, action } = asProblem(error)
  process.stderr.write(`${sentences(message, action)}\n`)
  process.exit(1)
}
