/** The router over one WebSocket connection, with the role that its token gave it. */
import type { EncodedMessage } from '@orpc/standard-server-peer'
import type { WebSocket } from 'ws'
import type { ConsoleRouter, RouterContext } from '../router.ts'
import { createPeers } from './peer.ts'

const protocolError = 1002

/** Resolves when the message is with the system, so that a stream goes no faster than its reader; a closed socket is told by its event. */
async function send(socket: WebSocket, message: EncodedMessage): Promise<void> {
  await new Promise<void>(resolve => socket.send(message, () => resolve()))
}

export function createSocketHandler(router: ConsoleRouter): (socket: WebSocket, context: RouterContext) => void {
  const connect = createPeers(router)
  return (socket, context) => {
    const peer = connect(context, { send: async message => send(socket, message), close: () => socket.close(protocolError) })
    socket.on('message', (data, isBinary) => void peer.receive(isBinary ? data : data.toString()))
    socket.on('close', peer.closed)
  }
}
