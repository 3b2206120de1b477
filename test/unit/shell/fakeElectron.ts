/** As much of Electron as the app's process uses, with what was done to it. */
import { EventEmitter } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { asElectronPort } from '../../contract/electronPort.ts'

export class FakeContents extends EventEmitter {
  readonly sent: unknown[][] = []
  setWindowOpenHandler = (): void => {}
  send = (...message: unknown[]): void => void this.sent.push(message)
}

/** Order in which things were asked for that must come before others. */
export const order: string[] = []
const ready = Promise.withResolvers<void>()
const workArea = { x: 0, y: 0, width: 1920, height: 1080 }

export const paths = { userData: '', downloads: '/home/ada/Downloads' }

class FakeApp extends EventEmitter {
  readonly isPackaged = false
  quits = 0
  hasLock = true
  enableSandbox = (): void => void order.push('sandbox')
  requestSingleInstanceLock = (): boolean => this.hasLock
  exit = (): void => void this.quits++
  getVersion = (): string => '1.2.3'
  getPath = (name: keyof typeof paths): string => paths[name]
  getPreferredSystemLanguages = (): string[] => ['de-DE']
  whenReady = async (): Promise<void> => ready.promise

  /** As Electron: asks, and ends unless somebody is not done yet. */
  quit = (): void => {
    const event = { prevented: false, preventDefault: () => void (event.prevented = true) }
    this.emit('will-quit', event)
    if (!event.prevented)
      this.quits++
  }

  becomeReady(): void {
    order.push('ready')
    ready.resolve()
  }
}

const app = new FakeApp()

export class FakeWindow extends EventEmitter {
  static readonly all: FakeWindow[] = []
  readonly webContents = new FakeContents()
  readonly options: Record<string, unknown>
  address = ''
  shown = false
  focused = false

  constructor(options: Record<string, unknown>) {
    super()
    this.options = options
    FakeWindow.all.push(this)
    app.emit('web-contents-created', {}, this.webContents)
  }

  show = (): void => void (this.shown = true)
  focus = (): void => void (this.focused = true)
  maximize = (): void => {}
  isMinimized = (): boolean => false
  isDestroyed = (): boolean => false
  isMaximized = (): boolean => false
  getNormalBounds = () => ({ x: 10, y: 20, width: 1200, height: 800 })
  loadURL = async (address: string): Promise<void> => void (this.address = address)
}

class MessageChannelMain {
  readonly port1
  readonly port2
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.port1 = asElectronPort(port1)
    this.port2 = port2
  }
}

export const menus: { label?: string }[][] = []
export const errors: string[] = []

export const fakeElectron = {
  app,
  BrowserWindow: FakeWindow,
  dialog: { showErrorBox: (_: string, text: string) => void errors.push(text) },
  ipcMain: new EventEmitter(),
  Menu: { buildFromTemplate: (template: { label?: string }[]) => template, setApplicationMenu: (menu: { label?: string }[]) => void menus.push(menu) },
  MessageChannelMain,
  nativeTheme: { shouldUseDarkColors: true },
  protocol: { registerSchemesAsPrivileged: () => void order.push('scheme'), handle: (scheme: string) => void order.push(`handle ${scheme}`) },
  screen: { getPrimaryDisplay: () => ({ id: 1, workArea }), getAllDisplays: () => [{ id: 1, workArea }] },
  safeStorage: { isEncryptionAvailable: () => false, getSelectedStorageBackend: () => 'basic_text', encryptString: () => new Uint8Array(), decryptString: () => '' },
  session: { defaultSession: Object.assign(new EventEmitter(), { setPermissionRequestHandler: () => {}, setPermissionCheckHandler: () => {}, setDevicePermissionHandler: () => {} }) },
}
