/**
 * Finds the console's process: in Electron through a MessagePort that the preload hands over, in a browser through a
 * WebSocket of the page's own origin. Above this file nobody can tell which.
 */
import type { ContractRouterClient } from '@orpc/contract'
import type { Contract } from '../../shared/contract/index.ts'
import { createORPCClient } from '@orpc/client'
import { RPCLink as PortLink } from '@orpc/client/message-port'
import { RPCLink as SocketLink } from '@orpc/client/websocket'
import { bytesSerializer } from '../../shared/contract/bytes.ts'
import { portMessage, portWantedMessage } from '../../shared/contract/shellMessages.ts'

export type ConsoleClient = ContractRouterClient<Contract>

export interface Link {
  client: ConsoleClient
  /** Resolves when the link is gone. */
  closed: Promise<void>
}

const tokenKey = 'me2-token'
const protocolPrefix = 'me2.'

/** The token arrives in the address once, and is kept for this tab so that a reload works. */
function takeToken(): string | null {
  const inAddress = /[#&]token=([\w-]{20,100})/.exec(location.hash)?.[1]
  if (inAddress !== undefined) {
    sessionStorage.setItem(tokenKey, inAddress)
    history.replaceState(null, '', `${location.pathname}#/`)
  }
  return sessionStorage.getItem(tokenKey)
}

async function openSocket(token: string): Promise<Link> {
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/rpc`
  const socket = new WebSocket(url, `${protocolPrefix}${token}`)
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  socket.addEventListener('close', () => close())
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('The console does not answer.')))
  })
  const client: ConsoleClient = createORPCClient(new SocketLink({ websocket: socket, customJsonSerializers: [bytesSerializer] }))
  return { client, closed }
}

/** The preload posts the port to this window; it is the only one that can, pages of other origins are never loaded. */
async function receivePort(): Promise<Link> {
  const port = await new Promise<MessagePort>((resolve) => {
    const take = (event: MessageEvent): void => {
      if (event.source !== window || event.data !== portMessage || !event.ports[0])
        return
      window.removeEventListener('message', take)
      resolve(event.ports[0])
    }
    window.addEventListener('message', take)
    window.postMessage(portWantedMessage, location.origin)
  })
  port.start()
  const client: ConsoleClient = createORPCClient(new PortLink({ port, customJsonSerializers: [bytesSerializer] }))
  return { client, closed: new Promise(resolve => port.addEventListener('close', () => resolve())) }
}

const inElectron = location.protocol === 'app:'
const token = inElectron ? null : takeToken()

/** False: this page was opened without the address that the console printed. */
export const mayConnect = inElectron || token !== null

/** Rejects when the console does not answer. */
export async function openLink(): Promise<Link> {
  return inElectron ? receivePort() : openSocket(token ?? '')
}
