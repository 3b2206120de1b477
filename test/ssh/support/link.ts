/** A TCP link to a port on this machine that a test can cut or freeze. */
import net from 'node:net'

export interface TestLink {
  port: number
  /** Ends all connections at once, as a cable cut at the switch with resets. */
  cut: () => void
  /** Lets nothing through any more and tells nobody, as a pulled cable. */
  freeze: () => void
  /** Cuts when so many bytes have gone to the host. */
  cutAfter: (bytes: number) => void
  close: () => void
}

export async function openLink(toPort: number): Promise<TestLink> {
  const sockets = new Set<net.Socket>()
  let frozen = false
  let bytesLeft = Infinity
  const cut = (): void => sockets.forEach(socket => socket.destroy())
  const server = net.createServer((near) => {
    const far = net.connect(toPort, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (data) => {
      bytesLeft -= data.length
      if (bytesLeft < 0)
        cut()
      else if (!frozen)
        far.write(data)
    })
    far.on('data', data => frozen || near.write(data))
  })
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    cut,
    freeze() { frozen = true },
    cutAfter(bytes) { bytesLeft = bytes },
    close() {
      cut()
      server.close()
    },
  }
}
