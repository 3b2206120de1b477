import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { freeTcpPorts, freeUdpPorts } from '../../../electron/services/lab/ports.ts'

it('finds different TCP ports that can be listened on', async () => {
  const ports = await freeTcpPorts(4)
  expect(new Set(ports).size).toBe(4)
  for (const port of ports) {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    await new Promise(done => server.close(done))
  }
})

it('finds different UDP ports that can be bound', async () => {
  const ports = await freeUdpPorts(4)
  expect(new Set(ports).size).toBe(4)
  for (const port of ports) {
    const socket = createSocket('udp4').bind(port, '127.0.0.1')
    await once(socket, 'listening')
    await new Promise<void>(done => socket.close(done))
  }
})
