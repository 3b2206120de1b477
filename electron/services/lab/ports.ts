/** Ports on loopback that nobody uses. QEMU takes them a moment later: a stolen one shows as a failed start, not as a mix-up. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const loopback = '127.0.0.1'

/** `count` different TCP ports. */
export async function freeTcpPorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(servers.map(async (server) => {
      server.listen(0, loopback)
      await once(server, 'listening')
      return (server.address() as { port: number }).port
    }))
  }
  finally {
    await Promise.all(servers.map(async server => new Promise(done => server.close(done))))
  }
}

/** `count` different UDP ports. */
export async function freeUdpPorts(count: number): Promise<number[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'))
  try {
    return await Promise.all(sockets.map(async (socket) => {
      socket.bind(0, loopback)
      await once(socket, 'listening')
      return socket.address().port
    }))
  }
  finally {
    await Promise.all(sockets.map(async socket => new Promise<void>(done => socket.close(done))))
  }
}
