/**
 * The console as a desktop app. This file puts Electron and the console together and decides nothing by itself; what
 * there is to decide is in the modules beside it, which get Electron's objects as arguments.
 */
import type { Console } from '../console.ts'
import { join } from 'node:path'
import process from 'node:process'
import { app, BrowserWindow, dialog, ipcMain, Menu, MessageChannelMain, nativeTheme, protocol, safeStorage, screen, session } from 'electron'
import { commandChannel } from '../../shared/contract/shellMessages.ts'
import { createConsole } from '../console.ts'
import { dataFolder } from '../folders.ts'
import { createRouter } from '../router.ts'
import { createPortHandler } from '../transports/messagePort.ts'
import { appAddress, appScheme, createPageHandler } from './appPages.ts'
import { handleDownloads } from './downloads.ts'
import { lockDownContents, lockDownSession, lockedPreferences } from './lockdown.ts'
import { menuLanguage, menuTemplate } from './menu.ts'
import { handOutPorts } from './portHandout.ts'
import { createSecretStore } from './secretStore.ts'
import { readWindowState, saveWindowState, smallest, windowBounds } from './windowState.ts'

/** This file is built to dist/shell. */
const root = join(import.meta.dirname, '..', '..')
const resourcesFolder = app.isPackaged ? process.resourcesPath : join(root, 'resources')
const pageColours = { light: '#ffffff', dark: '#18181b' }

const closing = new AbortController()
const beforeExit: (() => Promise<unknown>)[] = []

async function openWindow(): Promise<BrowserWindow> {
  const stateFile = join(app.getPath('userData'), 'window.json')
  const state = await readWindowState(stateFile)
  const primary = screen.getPrimaryDisplay()
  const others = screen.getAllDisplays().filter(({ id }) => id !== primary.id)
  const window = new BrowserWindow({
    ...windowBounds(state, [primary, ...others].map(({ workArea }) => workArea)),
    minWidth: smallest.width,
    minHeight: smallest.height,
    show: false,
    title: 'ME2 Lab Console',
    icon: join(root, 'resources', 'icons', '256x256.png'),
    backgroundColor: nativeTheme.shouldUseDarkColors ? pageColours.dark : pageColours.light,
    webPreferences: lockedPreferences({ preload: join(import.meta.dirname, 'preload.cjs'), devTools: !app.isPackaged }),
  })
  if (state?.maximised)
    window.maximize()
  window.once('ready-to-show', () => window.show())
  window.on('close', () => {
    const saved = saveWindowState(stateFile, window)
    beforeExit.push(async () => saved)
  })
  return window
}

async function openConsole(): Promise<Console> {
  const secrets = createSecretStore(safeStorage, join(app.getPath('userData'), 'secrets.json'), process.platform)
  const console = await createConsole({ dataFolder: dataFolder(), resourcesFolder, shell: 'desktop', version: app.getVersion(), secrets })
  beforeExit.push(async () => console.close())
  return console
}

async function keepMenu({ settings }: Console, window: BrowserWindow): Promise<void> {
  for await (const { language } of settings.settings.follow({ signal: closing.signal })) {
    const spoken = menuLanguage(language, app.getPreferredSystemLanguages())
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(spoken, process.platform, (command) => {
      if (!window.isDestroyed())
        window.webContents.send(commandChannel, command)
    })))
  }
}

function createChannel() {
  const { port1, port2 } = new MessageChannelMain()
  return { ours: port1, theirs: port2 }
}

async function start(): Promise<void> {
  protocol.handle(appScheme.scheme, createPageHandler(join(root, 'dist', 'renderer')))
  lockDownSession(session.defaultSession)
  handleDownloads(session.defaultSession, app.getPath('downloads'))
  const [console, window] = await Promise.all([openConsole(), openWindow()])
  const serve = createPortHandler(createRouter())
  handOutPorts({ ipc: ipcMain, contents: window.webContents, createChannel, serve: port => serve(port, { role: 'operator', console }) })
  app.on('second-instance', () => {
    if (window.isMinimized())
      window.restore()
    window.focus()
  })
  void keepMenu(console, window)
  void console.bringUpLab({ mayStart: true })
  await window.loadURL(appAddress)
}

/** In the order in which they began; the console waits for its race and ends the lab that it started. */
async function end(): Promise<void> {
  closing.abort()
  for (const step of beforeExit)
    await step().catch(error => process.stderr.write(`${String(error)}\n`))
}

protocol.registerSchemesAsPrivileged([appScheme])
app.enableSandbox()
app.on('web-contents-created', (_event, contents) => lockDownContents(contents))
app.on('window-all-closed', () => app.quit())

let ended = false
app.on('will-quit', (event) => {
  if (ended)
    return
  event.preventDefault()
  void end().then(() => {
    ended = true
    app.quit()
  })
})

if (app.requestSingleInstanceLock()) {
  app.whenReady().then(start).catch((error: unknown) => {
    dialog.showErrorBox('ME2 Lab Console could not start', error instanceof Error ? error.message : String(error))
    app.quit()
  })
}
else {
  app.exit()
}
