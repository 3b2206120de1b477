import { once } from 'node:events'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/websocket'
import { WebSocket } from 'ws'
import { startWeb } from '../../electron/web.ts'
import { bytesSerializer } from '../../shared/contract/bytes.ts'
import { contractSuite } from './suite.ts'

contractSuite('a WebSocket', async (role, console) => {
  const web = await startWeb({ console, filesFolder: import.meta.dirname })
  const { host, origin, hash } = new URL(web.addresses[role])
  const socket = new WebSocket(`ws://${host}/rpc`, `me2.${hash.slice('#token='.length)}`, { origin })
  const closed = once(socket, 'close').then(() => {})
  await once(socket, 'open')
  return {
    client: createORPCClient(new RPCLink({ websocket: socket, customJsonSerializers: [bytesSerializer] })),
    sendRaw: message => socket.send(message),
    closed,
    close: async () => {
      socket.close()
      await closed
      await web.close()
    },
  }
})
