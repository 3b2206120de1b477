import type { ConnectOptions } from '../../electron/services/ssh/connect.ts'
import type { HostKeyQuestion } from '../../electron/services/ssh/hostKeys.ts'
import type { TestServer } from './support/sshd.ts'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../electron/services/ssh/connect.ts'
import { makeKey, publicKey, startServer } from './support/sshd.ts'

let server: TestServer
let knownHostsFile: string
let options: ConnectOptions
let name: string

beforeAll(async () => {
  server = await startServer()
  knownHostsFile = path.join(server.folder, 'tested_known_hosts')
  name = `[127.0.0.1]:${server.port}`
})
beforeEach(() => {
  writeFileSync(knownHostsFile, '')
  options = { ownKnownHostsFile: path.join(server.folder, `console-${Math.random()}`, 'known_hosts'), agentSocket: '' }
})
afterAll(async () => server.stop())

const target = (): ReturnType<TestServer['target']> => ({ ...server.target(), knownHostsFiles: [knownHostsFile] })

/** Connects and runs a command, which only a verified connection can. */
async function hello(further: Partial<ConnectOptions> = {}): Promise<string> {
  const connection = await connect(target(), { ...options, ...further })
  try {
    return (await connection.exec(['echo', 'hello'])).stdout.toString()
  }
  finally {
    connection.close()
  }
}

function fingerprint(): string {
  return execFileSync('ssh-keygen', ['-lf', path.join(server.folder, 'host_ed25519.pub')], { encoding: 'utf8' }).split(' ')[1]!
}

describe('an unknown host', () => {
  it('is refused, with the fingerprint that ssh-keygen shows on the host', async () => {
    await expect(hello()).rejects.toMatchObject({ code: 'host-key-unknown', message: expect.stringContaining(fingerprint()) as string })
  })

  it('is refused when the user says no', async () => {
    await expect(hello({ acceptHostKey: async () => false })).rejects.toMatchObject({ code: 'host-key-unknown' })
    expect(existsSync(options.ownKnownHostsFile)).toBe(false)
  })

  it('is asked about once, then known from the console\'s own file and no other', async () => {
    const asked: HostKeyQuestion[] = []
    expect(await hello({ acceptHostKey: async question => asked.push(question) > 0 })).toBe('hello\n')
    expect(await hello()).toBe('hello\n')
    expect(asked).toEqual([{ host: '127.0.0.1', port: server.port, keyType: 'ssh-ed25519', fingerprint: fingerprint() }])
    expect(readFileSync(knownHostsFile, 'utf8')).toBe('')
    expect(statSync(options.ownKnownHostsFile).mode & 0o777).toBe(0o600)
  })

  it('is still unknown on another port', async () => {
    writeFileSync(knownHostsFile, `127.0.0.1 ${server.hostKeys.ed25519}`)
    await expect(hello()).rejects.toMatchObject({ code: 'host-key-unknown' })
  })
})

describe('a known host', () => {
  it('is let through by a plain entry', async () => {
    writeFileSync(knownHostsFile, `${name} ${server.hostKeys.ed25519}`)
    expect(await hello()).toBe('hello\n')
  })

  it('is let through by an entry that ssh-keygen has hashed', async () => {
    writeFileSync(knownHostsFile, `${name} ${server.hostKeys.ed25519}`)
    execFileSync('ssh-keygen', ['-q', '-H', '-f', knownHostsFile], { stdio: 'ignore' })
    expect(readFileSync(knownHostsFile, 'utf8')).toMatch(/^\|1\|/)
    expect(await hello()).toBe('hello\n')
  })

  it('shows the key of the type that is known when it has several', async () => {
    writeFileSync(knownHostsFile, `${name} ${server.hostKeys.rsa}`)
    expect(await hello()).toBe('hello\n')
  })
})

describe('a host with a wrong key', () => {
  it('is stopped when its key has changed, even if the user would accept anything', async () => {
    const other = publicKey(makeKey(path.join(server.folder, 'other_key'), 'ed25519'))
    writeFileSync(knownHostsFile, `# a comment\n${name} ${other}`)
    await expect(hello({ acceptHostKey: async () => true })).rejects.toMatchObject({ code: 'host-key-changed', message: expect.stringContaining(`${knownHostsFile} line 2`) as string })
    expect(existsSync(options.ownKnownHostsFile)).toBe(false)
  })

  it('is stopped when its key is revoked, also where the same key is listed as known', async () => {
    writeFileSync(knownHostsFile, `${name} ${server.hostKeys.ed25519}@revoked * ${server.hostKeys.ed25519}`)
    await expect(hello({ acceptHostKey: async () => true })).rejects.toMatchObject({ code: 'host-key-revoked' })
  })

  it('is unknown when only a certificate authority vouches for it', async () => {
    writeFileSync(knownHostsFile, `@cert-authority * ${server.hostKeys.ed25519}`)
    await expect(hello()).rejects.toMatchObject({ code: 'host-key-unknown' })
  })
})
