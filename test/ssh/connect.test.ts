import type { SecretQuestion } from '../../electron/services/ssh/authentication.ts'
import type { ConnectOptions } from '../../electron/services/ssh/connect.ts'
import type { SshTarget } from '../../electron/services/ssh/types.ts'
import type { TestServer } from './support/sshd.ts'
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, copyFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../electron/services/ssh/connect.ts'
import { freePort, isRoot, makeKey, needsRoot, password, publicKey, startServer } from './support/sshd.ts'

let server: TestServer
let withPasswords: TestServer
let withPam: TestServer
beforeAll(async () => {
  [server, withPasswords, withPam] = await Promise.all([
    startServer(),
    startServer({ config: ['PasswordAuthentication yes'] }),
    startServer({ config: ['KbdInteractiveAuthentication yes'] }),
  ])
})

const endings: (() => void)[] = []
afterEach(() => endings.splice(0).forEach(end => end()))
afterAll(async () => Promise.all([server, withPasswords, withPam].map(async each => each.stop())))

const options = (further: Partial<ConnectOptions> = {}): ConnectOptions => ({ ownKnownHostsFile: path.join(server.folder, 'console_known_hosts'), agentSocket: '', ...further })

async function whoami(target: SshTarget, further: Partial<ConnectOptions> = {}): Promise<string> {
  const connection = await connect(target, options(further))
  try {
    return (await connection.exec(['id', '-un'])).stdout.toString().trim()
  }
  finally {
    connection.close()
  }
}

describe('keys', () => {
  it('lets a key file in', async () => {
    expect(await whoami(server.target())).toBe(server.target().user)
  })

  it('goes on to the next key when the first is not accepted or not there', async () => {
    const strange = makeKey(path.join(server.folder, 'strange_key'), 'ed25519')
    expect(await whoami({ ...server.target(), identityFiles: ['/nowhere/key', strange, server.identityFile] })).toBe(server.target().user)
  })

  it('asks for the passphrase of an encrypted key, again after a wrong one', async () => {
    const locked = makeKey(path.join(server.folder, 'locked_key'), 'ed25519', 'open sesame')
    appendFileSync(path.join(server.folder, 'authorized_keys'), publicKey(locked))
    const answers = ['wrong', 'open sesame']
    const asked: SecretQuestion[] = []
    const ask = async (question: SecretQuestion): Promise<string | undefined> => {
      asked.push(question)
      return answers.shift()
    }
    expect(await whoami({ ...server.target(), identityFiles: [locked] }, { ask })).toBe(server.target().user)
    expect(asked).toEqual([{ kind: 'passphrase', keyFile: locked }, { kind: 'passphrase', keyFile: locked }])
  })

  it('takes a key from a running SSH agent', async () => {
    const agentSocket = path.join(server.folder, 'agent.socket')
    const agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: ['ignore', 'pipe', 'inherit'] })
    endings.push(() => agent.kill())
    await new Promise(resolve => agent.stdout.once('data', resolve))
    const held = path.join(server.folder, 'held_key')
    copyFileSync(server.identityFile, held)
    execFileSync('ssh-add', ['-q', held], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket } })
    expect(await whoami({ ...server.target(), identityFiles: [] }, { agentSocket })).toBe(server.target().user)
  })

  it('says what was tried when nothing helps', async () => {
    const strange = makeKey(path.join(server.folder, 'unaccepted_key'), 'ed25519')
    const refused = whoami({ ...server.target(), identityFiles: [strange, '/nowhere/key'] }, { agentSocket: '/nowhere/agent' })
    await expect(refused).rejects.toMatchObject({
      code: 'auth-failed',
      message: expect.stringMatching(/unaccepted_key.*SSH agent.*accepts publickey/) as string,
    })
  })
})

describe('what the user types', () => {
  it('lets a password in, after a wrong one', async ({ skip }) => {
    skip(!isRoot, needsRoot)
    const answers = ['wrong', password]
    expect(await whoami({ ...withPasswords.target('student'), identityFiles: [] }, { ask: async () => answers.shift() })).toBe('student')
  })

  it('answers keyboard-interactive with the host\'s own question', async ({ skip }) => {
    skip(!isRoot, needsRoot)
    const asked: SecretQuestion[] = []
    const ask = async (question: SecretQuestion): Promise<string> => {
      asked.push(question)
      return password
    }
    expect(await whoami({ ...withPam.target('student'), identityFiles: [] }, { ask })).toBe('student')
    expect(asked[0]).toMatchObject({ kind: 'interactive', text: expect.stringMatching(/password/i) as string, echo: false })
  })

  it('is not asked for a password that the host would not take', async () => {
    const asked: SecretQuestion[] = []
    const ask = async (question: SecretQuestion): Promise<string> => `${asked.push(question)}`
    await expect(whoami({ ...server.target(), identityFiles: [] }, { ask })).rejects.toMatchObject({ code: 'auth-failed' })
    expect(asked).toEqual([])
  })

  it('ends when the user gives up or the password is wrong', async ({ skip }) => {
    skip(!isRoot, needsRoot)
    const target = { ...withPasswords.target('student'), identityFiles: [] }
    await expect(whoami(target, { ask: async () => undefined })).rejects.toMatchObject({ code: 'auth-failed' })
    await expect(whoami(target, { ask: async () => 'wrong' })).rejects.toMatchObject({ code: 'auth-failed', message: expect.stringContaining('password') as string })
  })
})

describe('jump hosts', () => {
  it('reaches the host through another, each verified', async () => {
    expect(await whoami({ ...server.target(), jumps: [withPasswords.target()] })).toBe(server.target().user)
    expect(withPasswords.log()).toMatch(/Accepted publickey/)
  })

  it('stops at a jump host that is not known', async () => {
    const jump = { ...withPasswords.target(), knownHostsFiles: [] }
    await expect(whoami({ ...server.target(), jumps: [jump] })).rejects.toMatchObject({ code: 'host-key-unknown', message: expect.stringContaining(`port ${withPasswords.port}`) as string })
  })

  it('stops at a host behind a good jump host that is not known', async () => {
    const target = { ...server.target(), knownHostsFiles: [], jumps: [withPasswords.target()] }
    await expect(whoami(target)).rejects.toMatchObject({ code: 'host-key-unknown', message: expect.stringContaining(`port ${server.port}`) as string })
  })

  it('says so when the jump host cannot reach the host', async () => {
    const target = { ...server.target(), port: await freePort(), jumps: [withPasswords.target()] }
    await expect(whoami(target)).rejects.toMatchObject({ code: 'host-unreachable', message: expect.stringContaining('jump host') as string })
  })

  it('is closed with the connection', async () => {
    const connection = await connect({ ...server.target(), jumps: [withPasswords.target()] }, options())
    connection.close()
    await connection.closed
    await expect(connection.exec(['true'])).rejects.toMatchObject({ code: 'connection-lost' })
  })
})

describe('a host that does not answer', () => {
  it('is unreachable when nothing listens', async () => {
    await expect(whoami({ ...server.target(), port: await freePort() })).rejects.toMatchObject({ code: 'host-unreachable' })
  })

  it('is unreachable when it accepts and stays silent', async () => {
    const silent = net.createServer().listen(0, '127.0.0.1')
    endings.push(() => silent.close())
    await new Promise(resolve => silent.once('listening', resolve))
    const { port } = silent.address() as net.AddressInfo
    await expect(whoami({ ...server.target(), port }, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'host-unreachable', message: expect.stringContaining('does not answer') as string })
  })

  it('is unreachable when something else speaks there', async () => {
    const other = net.createServer(socket => socket.end('220 mail ready\r\n'.repeat(10))).listen(0, '127.0.0.1')
    endings.push(() => other.close())
    await new Promise(resolve => other.once('listening', resolve))
    const { port } = other.address() as net.AddressInfo
    await expect(whoami({ ...server.target(), port })).rejects.toMatchObject({ code: 'host-unreachable' })
  })

  it('is given up when the user cancels', async () => {
    const cancel = new AbortController()
    const attempt = whoami({ ...server.target(), knownHostsFiles: [] }, {
      signal: cancel.signal,
      acceptHostKey: async () => {
        cancel.abort()
        return true
      },
    })
    await expect(attempt).rejects.toMatchObject({ code: 'cancelled' })
  })
})
