import type { ContractRouterClient } from '@orpc/contract'
import type { MessagePort } from 'node:worker_threads'
import type { Console } from '../../../electron/console.ts'
import type { Contract } from '../../../shared/contract/index.ts'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Watched } from '../../../electron/services/watched.ts'
import { bytesSerializer } from '../../../shared/contract/bytes.ts'
import { errors, fakeElectron, FakeWindow, menus, order, paths } from './fakeElectron.ts'

vi.mock('electron', async () => (await import('./fakeElectron.ts')).fakeElectron)

const done: string[] = []
const settings = new Watched({ language: 'system', lab: { startWithConsole: true } })
const fakeConsole = {
  version: '1.2.3',
  shell: 'desktop',
  settings: { settings },
  questions: { canKeep: false },
  bringUpLab: async () => void done.push('lab up'),
  close: async () => void done.push('console closed'),
} as unknown as Console
const createConsole = vi.hoisted(() => vi.fn())
vi.mock('../../../electron/console.ts', () => ({ createConsole }))

const { app, ipcMain } = fakeElectron

describe('the desktop app', () => {
  let window: FakeWindow

  beforeAll(async () => {
    paths.userData = await mkdtemp(join(tmpdir(), 'me2-desktop-'))
    createConsole.mockResolvedValue(fakeConsole)
    await import('../../../electron/shell/main.ts')
    app.becomeReady()
    window = await vi.waitFor(() => {
      const [first] = FakeWindow.all
      if (first === undefined || first.address === '')
        throw new Error('No window has loaded a page.')
      return first
    })
  })

  afterAll(async () => rm(paths.userData, { recursive: true }))

  it('settles its scheme and its sandbox before Electron is ready', () => {
    expect(order).toEqual(['scheme', 'sandbox', 'ready', 'handle app'])
    expect(errors).toEqual([])
  })

  it('opens one window, in its sandbox, on its own page', () => {
    expect(FakeWindow.all).toHaveLength(1)
    expect(window.address).toBe('app://console/')
    expect(window.options.webPreferences).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true })
    expect(window.options).toMatchObject({ show: false, width: 1440, height: 900 })
    window.emit('ready-to-show')
    expect(window.shown).toBe(true)
  })

  it('answers its page through the port as an operator', async () => {
    const port = await new Promise<MessagePort>((resolve) => {
      const postMessage = (_channel: string, _message: unknown, [theirs]: MessagePort[]): void => void (theirs && resolve(theirs))
      ipcMain.emit('me2-port', { sender: window.webContents, senderFrame: { isDestroyed: () => false, detached: false, parent: null, origin: 'app://console', postMessage } })
    })
    port.start()
    const client: ContractRouterClient<Contract> = createORPCClient(new RPCLink({ port, customJsonSerializers: [bytesSerializer] }))
    expect(await client.session.hello()).toEqual({ role: 'operator', version: '1.2.3', shell: 'desktop', canKeepSecrets: false })
    port.close()
  })

  it('keeps its menu in the language of the screens', async () => {
    await vi.waitFor(() => expect(menus.at(-1)?.[0]?.label).toBe('File'))
    settings.set({ language: 'zh', lab: { startWithConsole: true } })
    await vi.waitFor(() => expect(menus.at(-1)?.[0]?.label).toBe('文件'))
  })

  it('shows its window to who starts it a second time', () => {
    app.emit('second-instance')
    expect(window.focused).toBe(true)
  })

  it('brings the lab up by itself, and ends what it started before it quits', async () => {
    expect(done).toEqual(['lab up'])
    window.emit('close')
    app.emit('window-all-closed')
    expect(app.quits).toBe(0)
    await vi.waitFor(() => expect(app.quits).toBe(1))
    expect(done).toEqual(['lab up', 'console closed'])
    expect(JSON.parse(await readFile(join(paths.userData, 'window.json'), 'utf8'))).toEqual({ x: 10, y: 20, width: 1200, height: 800, maximised: false })
  })
})
