import type { HostAgent } from '../../electron/services/agent/types.ts'
import type { HostConnection } from '../../electron/services/ssh/types.ts'
import type { Account, TestServer } from './support/sshd.ts'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { deployAgent, removeAgent } from '../../electron/services/agent/deploy.ts'
import { probeHost } from '../../electron/services/hosts/probeHost.ts'
import { connect } from '../../electron/services/ssh/connect.ts'
import { openLink } from './support/link.ts'
import { freePort, isRoot, needsRoot, startServer } from './support/sshd.ts'

const executable = path.join(import.meta.dirname, '../../resources/agent/build/agent')

describe.skipIf(!isRoot)(`the agent on a host${isRoot ? '' : ` (skipped: ${needsRoot})`}`, () => {
  let server: TestServer
  let noexec: TestServer
  const connections: HostConnection[] = []
  beforeAll(async () => {
    [server, noexec] = await Promise.all([startServer(), startServer({ noexecRun: true })])
  })
  afterEach(async () => {
    for (const connection of connections.splice(0)) {
      await removeAgent(connection).catch(() => [])
      connection.close()
    }
  })
  afterAll(async () => Promise.all([server.stop(), noexec.stop()]))

  async function open(user: Account, on = server, port = on.port): Promise<HostConnection> {
    const connection = await connect({ ...on.target(user), port, knownHostsFiles: [] }, {
      ownKnownHostsFile: path.join(on.folder, 'own'),
      acceptHostKey: async () => true,
      agentSocket: '',
    })
    connections.push(connection)
    return connection
  }

  async function shell(connection: HostConnection, script: string): Promise<string> {
    return (await connection.exec(['sh', '-c', script], { asRoot: connection.root })).stdout.toString().trim()
  }

  const versionOf = async (agent: HostAgent): Promise<unknown> => agent.request(['version'], 'version')

  it('is uploaded once, under the name of its content, for root alone', async () => {
    const name = `agent-${createHash('sha256').update(readFileSync(executable)).digest('hex').slice(0, 16)}`
    const connection = await open('root')
    const log: string[] = []
    const agent = await deployAgent(connection, executable, { log: line => log.push(line) })
    expect(agent.path).toBe(`/run/me2/${name}`)
    expect(await shell(connection, 'stat -c "%a %U %n" /run/me2 /run/me2/*')).toBe(`700 root /run/me2\n700 root ${agent.path}`)
    const before = await shell(connection, `stat -c %i ${agent.path}`)
    await deployAgent(connection, executable, { log: line => log.push(line) })
    expect(await shell(connection, `stat -c %i ${agent.path}`)).toBe(before)
    expect(log).toHaveLength(1)
  })

  it('is replaced when what is there is not the same', async () => {
    const connection = await open('root')
    const { path: remotePath } = await deployAgent(connection, executable)
    await shell(connection, `echo rubbish > ${remotePath}`)
    expect(await versionOf(await deployAgent(connection, executable))).toMatchObject({ t: 'version', protocol: 1 })
  })

  it('is put in /var/lib/me2 when /run forbids executables, and nothing stays in /run', async () => {
    const connection = await open('root', noexec)
    const agent = await deployAgent(connection, executable)
    expect(agent.path).toMatch(/^\/var\/lib\/me2\/agent-/)
    expect(await versionOf(agent)).toMatchObject({ t: 'version' })
    expect(await shell(connection, 'ls /run/me2')).toBe('')
  })

  it('runs through sudo as root, without it from a folder of one\'s own', async () => {
    expect((await deployAgent(await open('operator'), executable)).path).toMatch(/^\/run\/me2\//)
    const own = await deployAgent(await open('student'), executable)
    expect(own.path).toMatch(/^\/tmp\/me2-4321\//)
    expect(await versionOf(own)).toMatchObject({ t: 'version' })
  })

  it('is refused in a folder that somebody else has prepared', async () => {
    const root = await open('root')
    await shell(root, 'mkdir /tmp/me2-4321; chmod 777 /tmp/me2-4321')
    await expect(deployAgent(await open('student'), executable)).rejects.toMatchObject({ code: 'system', message: expect.stringContaining('somebody else') as string })
    await shell(root, 'rmdir /tmp/me2-4321')
  })

  it('says so when it has not been built, cannot run there, or speaks another protocol', async () => {
    const connection = await open('root')
    await expect(deployAgent(connection, '/nowhere/agent')).rejects.toMatchObject({ code: 'agent-missing', action: expect.stringContaining('make') as string })
    const foreign = path.join(server.folder, 'foreign')
    writeFileSync(foreign, Buffer.concat([Buffer.from('\u007FELF'), Buffer.alloc(100)]))
    await expect(deployAgent(connection, foreign)).rejects.toMatchObject({ code: 'agent-missing' })
    const other = path.join(server.folder, 'other')
    writeFileSync(other, `#!/bin/sh\necho '{"t":"version","protocol":99,"format":1,"agent":"9"}'\n`)
    await expect(deployAgent(connection, other)).rejects.toMatchObject({ code: 'agent-protocol', message: expect.stringContaining('99') as string })
  })

  it('leaves nothing when it is removed', async () => {
    const connection = await open('root')
    const { path: remotePath } = await deployAgent(connection, executable)
    expect(await removeAgent(connection)).toEqual([remotePath])
    expect(await shell(connection, 'ls -d /run/me2 /var/lib/me2 2>/dev/null')).toBe('')
    expect(await removeAgent(connection)).toEqual([])
  })

  it('reports its own errors as the console\'s', async () => {
    const agent = await deployAgent(await open('root'), executable)
    await expect(agent.request(['domains'], 'domains')).rejects.toMatchObject({ code: 'no-xen' })
    await expect(agent.request(['heartbeat', '--port', '0'], 'heartbeat')).rejects.toMatchObject({ code: 'usage' })
  })

  it('is missing when somebody has removed it', async () => {
    const connection = await open('root')
    const agent = await deployAgent(connection, executable)
    await removeAgent(connection)
    await expect(versionOf(agent)).rejects.toMatchObject({ code: 'agent-missing' })
  })

  it('can be followed line by line until its input ends', async () => {
    const agent = await deployAgent(await open('root'), executable)
    const process = await agent.start(['heartbeat', '--port', String(await freePort())])
    const kinds: string[] = []
    for await (const message of process.messages) {
      kinds.push(message.t)
      process.end()
    }
    expect(kinds.at(0)).toBe('heartbeat')
    expect(kinds.at(-1)).toBe('heartbeatSummary')
    expect(await process.exit).toEqual({ code: 0, signal: null, lost: false })
  })

  it('tells what a guest said last, of its files where it has a disk, and takes no other datagram for a heartbeat', async () => {
    const agent = await deployAgent(await open('root'), executable)
    const port = await freePort()
    const process = await agent.start(['heartbeat', '--port', String(port)])
    const guest = createSocket('udp4')
    const say = (...words: bigint[]) => guest.send(Buffer.from(BigUint64Array.from([0x3142484B52425455n, ...words]).buffer), port, '127.0.0.1')
    const heard: object[] = []
    for await (const message of process.messages) {
      if (message.t !== 'heartbeat')
        continue
      const { bad, checked, filesChecked, fileErrors, diskWrittenBytes, lastSequence } = message
      heard.push({ bad, checked, filesChecked, fileErrors, diskWrittenBytes })
      say(9n, 9n, 9n, 9n, 9n)
      if (lastSequence === 0)
        say(1n, 1n, 0n, 7n)
      else if (filesChecked === undefined)
        say(2n, 2n, 1n, 8n, 20n, 1n, 4096n)
      else
        process.end()
    }
    guest.close()
    expect(heard).toContainEqual({ bad: 0, checked: 7 })
    expect(heard).toContainEqual({ bad: 1, checked: 8, filesChecked: 20, fileErrors: 1, diskWrittenBytes: 4096 })
  })

  it('ends by itself when the connection is cut, and its messages end', async () => {
    const link = await openLink(server.port)
    const cut = await open('root', server, link.port)
    const agent = await deployAgent(cut, executable)
    const process = await agent.start(['heartbeat', '--port', String(await freePort())])
    for await (const message of process.messages) {
      expect(message.t).toBe('heartbeat')
      link.cut()
    }
    expect(await process.exit).toMatchObject({ lost: true })
    link.close()
    const other = await open('root')
    await shell(other, `for n in $(seq 100); do [ -n "$(find /proc/[0-9]*/exe -lname '${agent.path}' 2>/dev/null)" ] || break; sleep 0.1; done`)
    expect(await shell(other, `find /proc/[0-9]*/exe -lname '${agent.path}' 2>/dev/null`)).toBe('')
  })

  it('is not even uploaded where there is no Xen', async () => {
    const { ready, checks, facts } = await probeHost(await open('student'), async () => {
      throw new Error('uploaded in vain')
    })
    expect({ ready, facts }).toEqual({ ready: false, facts: null })
    expect(checks.map(({ code, severity }) => `${code}: ${severity}`)).toEqual(['system: ok', 'not-root: error', 'no-xen: error', 'no-xl: error'])
  })
})
