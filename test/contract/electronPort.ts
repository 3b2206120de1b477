/** Node's message port with the face of Electron's: same life, but an event around what arrives. */
import type { MessagePort } from 'node:worker_threads'
import type { ServedPort } from '../../electron/transports/messagePort.ts'

export function asElectronPort(port: MessagePort): ServedPort {
  return {
    on: (event: 'message' | 'close', listener: (event: { data: unknown }) => void) =>
      port.on(event, (data?: unknown) => listener({ data })),
    postMessage: message => port.postMessage(message),
    // Node starts a port by itself when somebody listens; Electron does not.
    start: () => port.start(),
    close: () => port.close(),
  }
}
