/**
 * One connected client, whichever way its messages come. The RPC library's own adapters leave a message that is not of
 * their protocol as an unhandled rejection, which ends a Node process, and send a stream's next value whether the last
 * one has left or not. Here the first ends the connection, and the second waits.
 */
import type { EncodedMessage } from '@orpc/standard-server-peer'
import type { ConsoleRouter, RouterContext } from '../router.ts'
import { StandardRPCHandler } from '@orpc/server/standard'
import { createServerPeerHandleRequestFn } from '@orpc/server/standard-peer'
import { ServerPeer } from '@orpc/standard-server-peer'
import { bytesSerializer } from '../../shared/contract/bytes.ts'
import { toContractError } from '../problemInterceptor.ts'

export interface Connection {
  send: (message: EncodedMessage) => void | Promise<void>
  close: () => void
}

export interface Peer {
  receive: (message: unknown) => Promise<void>
  /** The connection is gone: ends all calls and streams that it carried. */
  closed: () => void
}

function isEncoded(message: unknown): message is EncodedMessage {
  return typeof message === 'string' || message instanceof Uint8Array || message instanceof ArrayBuffer
}

function isStream(output: unknown): output is AsyncIterableIterator<unknown> {
  return typeof output === 'object' && output !== null && Symbol.asyncIterator in output
}

async function* withContractErrors(stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* stream
  }
  catch (error) {
    throw toContractError(error)
  }
}

/** A call fails with the contract's error, and so does a stream that has begun. */
async function translateErrors<Output>({ next }: { next: () => Promise<Output> }): Promise<Output> {
  try {
    const output = await next()
    return isStream(output) ? withContractErrors(output) as Output : output
  }
  catch (error) {
    throw toContractError(error)
  }
}

export function createPeers(router: ConsoleRouter): (context: RouterContext, connection: Connection) => Peer {
  const handler = new StandardRPCHandler<RouterContext>(router, { customJsonSerializers: [bytesSerializer], clientInterceptors: [translateErrors] })
  return (context, connection) => {
    const handle = createServerPeerHandleRequestFn(handler, { context })
    const peer = new ServerPeer(connection.send)
    return {
      receive: async (message) => {
        try {
          if (!isEncoded(message))
            throw new TypeError('Not a message of the protocol.')
          await peer.message(message, handle)
        }
        catch {
          connection.close()
        }
      },
      closed: () => peer.close(),
    }
  }
}
