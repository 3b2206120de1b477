import type { DevicePermissionHandlerHandlerDetails, PermissionCheckHandlerHandlerDetails, PermissionRequest, WebContents } from 'electron'
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { lockDownContents, lockDownSession, lockedPreferences } from '../../../electron/shell/lockdown.ts'

describe('the page\'s preferences', () => {
  it.each([true, false])('keep it in its sandbox (devTools %s)', (devTools) => {
    expect(lockedPreferences({ preload: '/preload.cjs', devTools })).toEqual({
      preload: '/preload.cjs',
      devTools,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
    })
  })
})

describe('a page', () => {
  let answerWindow: (details: { url: string }) => unknown = () => 'not asked'
  const contents = Object.assign(new EventEmitter(), {
    setWindowOpenHandler: (handler: typeof answerWindow) => {
      answerWindow = handler
    },
  })
  lockDownContents(contents as unknown as WebContents)

  it.each(['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview'])('is refused: %s', (name) => {
    const event = { preventDefault: vi.fn(), url: 'app://console/' }
    contents.emit(name, event)
    expect(event.preventDefault).toHaveBeenCalledOnce()
  })

  it.each(['https://example.org/', 'app://console/', 'file:///etc/passwd'])('opens no window for %s', (url) => {
    expect(answerWindow({ url })).toEqual({ action: 'deny' })
  })
})

describe('the session', () => {
  it('grants no permission, asked or checked, and no device', () => {
    const answers: unknown[] = []
    lockDownSession({
      setPermissionRequestHandler: handler => handler?.({} as WebContents, 'media', granted => void answers.push(granted), {} as PermissionRequest),
      setPermissionCheckHandler: handler => answers.push(handler?.(null, 'geolocation', 'app://console', {} as PermissionCheckHandlerHandlerDetails)),
      setDevicePermissionHandler: handler => answers.push(handler?.({} as DevicePermissionHandlerHandlerDetails)),
    })
    expect(answers).toEqual([false, false, false])
  })
})
