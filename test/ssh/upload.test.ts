import type { HostConnection, SshTarget } from '../../electron/services/ssh/types.ts'
import type { TestServer } from './support/sshd.ts'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../electron/services/ssh/connect.ts'
import { openLink } from './support/link.ts'
import { isRoot, needsRoot, password, startServer } from './support/sshd.ts'

let server: TestServer
let servers: TestServer[]
let plain: TestServer
let damaging: TestServer
let connection: HostConnection
beforeAll(async () => {
  servers = await Promise.all([
    startServer(),
    startServer({ sftp: false }),
    startServer({ sftp: false, commands: { cat: 'head -c 1000' } }),
  ]);
  [server, plain, damaging] = servers as [TestServer, TestServer, TestServer]
})
afterEach(() => connection.close())
afterAll(async () => Promise.all(servers.map(async each => each.stop())))

const bytes = randomBytes(1_000_000)

async function open(target: SshTarget): Promise<HostConnection> {
  connection = await connect(target, {
    ownKnownHostsFile: path.join(server.folder, 'own'),
    acceptHostKey: async () => true,
    agentSocket: '',
    ask: async () => password,
  })
  return connection
}

function newFolder(of: TestServer, mode = 0o777): string {
  const folder = path.join(of.folder, `upload-${randomBytes(4).toString('hex')}`)
  mkdirSync(folder)
  chmodSync(folder, mode)
  return folder
}

describe('an upload', () => {
  for (const [way, pick] of [['by sftp', () => server], ['without sftp', () => plain]] as const) {
    it(`arrives whole, with its mode and under its name alone, ${way}`, async () => {
      const folder = newFolder(pick())
      const host = await open(pick().target())
      await host.upload(bytes, path.join(folder, 'agent'), 0o755)
      expect(readdirSync(folder)).toEqual(['agent'])
      expect(readFileSync(path.join(folder, 'agent')).equals(bytes)).toBe(true)
      expect(statSync(path.join(folder, 'agent')).mode & 0o777).toBe(0o755)
    })
  }

  it('replaces a file at once', async () => {
    const file = path.join(newFolder(server), 'agent')
    writeFileSync(file, 'old')
    const before = statSync(file).ino
    await (await open(server.target())).upload(bytes, file, 0o700)
    expect(readFileSync(file).equals(bytes)).toBe(true)
    expect(statSync(file).ino).not.toBe(before)
  })

  it('goes where only root may write when root comes from sudo', async ({ skip }) => {
    skip(!isRoot, needsRoot)
    const folder = newFolder(server, 0o700)
    await (await open(server.target('operator'))).upload(bytes, path.join(folder, 'a b\'c'), 0o700)
    connection.close()
    await (await open(server.target('admin'))).upload(bytes, path.join(folder, 'agent'), 0o700)
    expect(readFileSync(path.join(folder, 'agent')).equals(bytes)).toBe(true)
    expect(readdirSync(folder)).toEqual(['a b\'c', 'agent'])
  })
})

describe('an upload that fails leaves nothing and says why:', () => {
  it('a damaged file', async () => {
    const folder = newFolder(damaging)
    await expect((await open(damaging.target())).upload(bytes, path.join(folder, 'agent'), 0o755)).rejects.toMatchObject({ code: 'upload-damaged' })
    expect(readdirSync(folder)).toEqual([])
  })

  it('a full disk', async ({ skip }) => {
    skip(!isRoot, needsRoot)
    for (const each of [server, plain]) {
      const host = await open(each.target())
      await expect(host.upload(bytes, path.join(each.smallDisk, 'agent'), 0o755)).rejects.toMatchObject({ code: 'disk-full' })
      expect((await host.exec(['ls', each.smallDisk])).stdout.toString()).toBe('')
      host.close()
    }
  })

  it('a folder that does not exist', async () => {
    await expect((await open(server.target())).upload(bytes, '/nowhere/agent', 0o755)).rejects.toMatchObject({ code: 'system', message: expect.stringMatching(/no such|nonexistent/i) as string })
  })

  it('a connection cut half-way: the name never stands for half a file', async () => {
    const folder = newFolder(server)
    const link = await openLink(server.port)
    const host = await open({ ...server.target(), port: link.port })
    link.cutAfter(400_000)
    await expect(host.upload(bytes, path.join(folder, 'agent'), 0o755)).rejects.toMatchObject({ code: 'connection-lost' })
    expect(readdirSync(folder)).not.toContain('agent')
    link.close()
  })
})
