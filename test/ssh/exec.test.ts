import type { HostConnection } from '../../electron/services/ssh/types.ts'
import type { TestLink } from './support/link.ts'
import type { TestServer } from './support/sshd.ts'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../electron/services/ssh/connect.ts'
import { openLink } from './support/link.ts'
import { startServer } from './support/sshd.ts'

let server: TestServer
let link: TestLink
let connection: HostConnection
beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  link = await openLink(server.port)
  connection = await connect({ ...server.target(), port: link.port, knownHostsFiles: [] }, {
    ownKnownHostsFile: path.join(server.folder, 'console_known_hosts'),
    acceptHostKey: async () => true,
    agentSocket: '',
    keepaliveMs: 200,
  })
})
afterEach(() => {
  connection.close()
  link.close()
})
afterAll(async () => server.stop())

describe('a command', () => {
  it('gets its words as they are and gives back output, errors and exit code', async () => {
    const words = ['two words', '$HOME `id` $(id)', 'it\'s', '"', '\\', '*', '', '-n', 'line\nbreak', 'ünï', '!!', '~']
    const result = await connection.exec(['sh', '-c', 'printf "[%s]" "$@"; echo oops >&2; exit 3', 'sh', ...words])
    expect(result.stdout.toString()).toBe(words.map(word => `[${word}]`).join(''))
    expect(result).toMatchObject({ code: 3, signal: null, stderr: 'oops\n' })
  })

  it('reads its input to the end', async () => {
    const input = Buffer.alloc(3_000_000, 'me2 ')
    const result = await connection.exec(['cksum'], { input })
    expect(result.stdout.toString()).toMatch(/ 3000000\n$/)
  })

  it('may end without having read its input', async () => {
    expect(await connection.exec(['true'], { input: Buffer.alloc(5_000_000) })).toMatchObject({ code: 0 })
  })

  it('tells the signal that ended it', async () => {
    expect(await connection.exec(['sh', '-c', 'kill -KILL $$'])).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  it('is stopped when it prints more than allowed', async () => {
    await expect(connection.exec(['yes'], { maxBytes: 10_000 })).rejects.toMatchObject({ code: 'output-too-large' })
    expect((await connection.exec(['head', '-c', '10000', '/dev/zero'], { maxBytes: 10_000 })).stdout.length).toBe(10_000)
  })

  it('may print any amount of errors, of which the first are kept', async () => {
    const { code, stderr } = await connection.exec(['sh', '-c', 'head -c 5000000 /dev/zero | tr "\\0" x >&2'])
    expect({ code, length: stderr.length }).toEqual({ code: 0, length: 65_536 })
  })

  it('is given up after its time, or when the user cancels', async () => {
    await expect(connection.exec(['sleep', '60'], { timeoutMs: 100 })).rejects.toMatchObject({ code: 'system', message: expect.stringContaining('100 ms') as string })
    await expect(connection.exec(['sleep', '60'], { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: 'cancelled' })
    await expect(connection.exec(['true'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('can be talked to while it runs, and ends with its input', async () => {
    const process = await connection.spawn(['cat'])
    process.stdin.write('one\n')
    expect(String((await once(process.stdout, 'data'))[0])).toBe('one\n')
    process.stdin.end('two\n')
    expect(await text(process.stdout)).toBe('two\n')
    expect(await process.exit).toEqual({ code: 0, signal: null, lost: false })
  })

  it('is not lost when the console closes it', async () => {
    const process = await connection.spawn(['cat'])
    process.close()
    expect(await process.exit).toEqual({ code: null, signal: null, lost: false })
    process.stdin.end()
    process.stdin.write('too late')
  })
})

describe('a connection that breaks', () => {
  it('ends a running command as lost', async () => {
    const running = connection.exec(['sleep', '60'])
    const process = await connection.spawn(['sleep', '60'])
    link.cut()
    await expect(running).rejects.toMatchObject({ code: 'connection-lost' })
    expect(await process.exit).toEqual({ code: null, signal: null, lost: true })
    await connection.closed
  })

  it('is noticed when the cable is pulled and nobody says so', async () => {
    const running = connection.exec(['sleep', '60'])
    const process = await connection.spawn(['sleep', '60'])
    link.freeze()
    await connection.closed
    await expect(running).rejects.toMatchObject({ code: 'connection-lost' })
    expect(await process.exit).toMatchObject({ lost: true })
  })

  it('is closed all the same when the host no longer answers', async () => {
    link.freeze()
    connection.close()
    await connection.closed
  })

  it('starts nothing more', async () => {
    link.cut()
    await connection.closed
    await expect(connection.exec(['true'])).rejects.toMatchObject({ code: 'connection-lost' })
    await expect(connection.upload(Buffer.from('x'), '/tmp/x', 0o600)).rejects.toMatchObject({ code: 'connection-lost' })
  })
})
