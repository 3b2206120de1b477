/** The router over one of Electron's message ports. Nothing is transferred: these ports copy what they carry. */
import type { ConsoleRouter, RouterContext } from '../router.ts'
import { createPeers } from './peer.ts'

/** As much of Electron's MessagePortMain as is used. */
export interface ServedPort {
  on: ((event: 'message', listener: (event: { data: unknown }) => void) => unknown) & ((event: 'close', listener: () => void) => unknown)
  postMessage: (message: unknown) => void
  start: () => void
  close: () => void
}

/** The handler serves a port until either side closes it; then its streams end. */
export function createPortHandler(router: ConsoleRouter): (port: ServedPort, context: RouterContext) => void {
  const connect = createPeers(router)
  return (port, context) => {
    const peer = connect(context, { send: message => port.postMessage(message), close: () => port.close() })
    port.on('message', ({ data }) => void peer.receive(data))
    port.on('close', peer.closed)
    port.start()
  }
}
