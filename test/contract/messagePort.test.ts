import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { createRouter } from '../../electron/router.ts'
import { createPortHandler } from '../../electron/transports/messagePort.ts'
import { bytesSerializer } from '../../shared/contract/bytes.ts'
import { asElectronPort } from './electronPort.ts'
import { contractSuite } from './suite.ts'

const serve = createPortHandler(createRouter())

contractSuite('a message port', async (role, console) => {
  const { port1, port2 } = new MessageChannel()
  serve(asElectronPort(port1), { role, console })
  const closed = once(port2, 'close').then(() => {})
  port2.start()
  return {
    client: createORPCClient(new RPCLink({ port: port2, customJsonSerializers: [bytesSerializer] })),
    sendRaw: message => port2.postMessage(message),
    closed,
    close: async () => {
      port2.close()
      await closed
    },
  }
})
