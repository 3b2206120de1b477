/** Gives the window's own page its port to the console, and nobody else. */
import type { ServedPort } from '../transports/messagePort.ts'
import { portChannel } from '../../shared/contract/shellMessages.ts'
import { appOrigin } from './appPages.ts'

/** As much of Electron's WebFrameMain as is used. Reading a destroyed one throws. */
export interface Frame {
  isDestroyed: () => boolean
  readonly detached: boolean
  readonly parent: unknown
  readonly origin: string
  postMessage: (channel: string, message: unknown, transfer: never[]) => void
}

/** As much of Electron's WebContents as is used. */
export interface Contents {
  once: (event: 'destroyed', listener: () => void) => unknown
  on: (event: 'render-process-gone', listener: () => void) => unknown
}

export interface PortRequest {
  sender: unknown
  senderFrame: Frame | null
}

export interface PortHandoutOptions {
  ipc: {
    on: (channel: string, listener: (event: PortRequest) => void) => unknown
    off: (channel: string, listener: (event: PortRequest) => void) => unknown
  }
  contents: Contents
  /** `theirs` goes to the page. */
  createChannel: () => { ours: ServedPort, theirs: unknown }
  serve: (port: ServedPort) => void
}

/** The frame that asked, if it is the main frame of our own window and shows our own page. */
function ownFrame({ sender, senderFrame }: PortRequest, contents: Contents): Frame | null {
  if (sender !== contents || senderFrame === null || senderFrame.isDestroyed() || senderFrame.detached)
    return null
  return senderFrame.parent === null && senderFrame.origin === appOrigin ? senderFrame : null
}

/** Until the window is gone. A page has one port: a reloaded page's new one closes the old. */
export function handOutPorts({ ipc, contents, createChannel, serve }: PortHandoutOptions): void {
  let current: ServedPort | null = null
  const closeCurrent = (): void => {
    current?.close()
    current = null
  }
  const answer = (request: PortRequest): void => {
    const frame = ownFrame(request, contents)
    if (frame === null)
      return
    closeCurrent()
    const { ours, theirs } = createChannel()
    current = ours
    serve(ours)
    frame.postMessage(portChannel, null, [theirs] as never[])
  }
  ipc.on(portChannel, answer)
  contents.on('render-process-gone', closeCurrent)
  contents.once('destroyed', () => {
    ipc.off(portChannel, answer)
    closeCurrent()
  })
}
