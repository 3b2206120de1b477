import type { AskSecret, SecretQuestion } from '../../electron/services/ssh/authentication.ts'
import type { HostConnection } from '../../electron/services/ssh/types.ts'
import type { Account, TestServer } from './support/sshd.ts'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../electron/services/ssh/connect.ts'
import { isRoot, needsRoot, password, startServer } from './support/sshd.ts'

describe.skipIf(!isRoot)(`becoming root${isRoot ? '' : ` (skipped: ${needsRoot})`}`, () => {
  let server: TestServer
  let connection: HostConnection | undefined
  beforeAll(async () => {
    server = await startServer()
  })
  afterEach(() => connection?.close())
  afterAll(async () => server.stop())

  async function as(user: Account, ask?: AskSecret): Promise<HostConnection> {
    connection = await connect(server.target(user), { ownKnownHostsFile: path.join(server.folder, 'own'), agentSocket: '', ask })
    return connection
  }

  async function whoRunsAsRoot(host: HostConnection): Promise<string> {
    const { stdout, stderr } = await host.exec(['id', '-un'], { asRoot: true })
    return stdout.toString().trim() + stderr
  }

  it('needs nothing for root', async () => {
    const host = await as('root')
    expect([host.root, await whoRunsAsRoot(host)]).toEqual([true, 'root'])
  })

  it('uses sudo where it asks no password, and only when asked to', async () => {
    const host = await as('operator')
    expect([host.root, await whoRunsAsRoot(host)]).toEqual([true, 'root'])
    expect((await host.exec(['id', '-un'])).stdout.toString()).toBe('operator\n')
  })

  it('is refused for a user without sudo, whether a password is given or not', async () => {
    for (const ask of [undefined, async () => password]) {
      const host = await as('student', ask)
      expect(host.root).toBe(false)
      await expect(whoRunsAsRoot(host)).rejects.toMatchObject({ code: 'not-root' })
      host.close()
    }
  })

  it('gives sudo its password, and the command its own input untouched', async () => {
    const host = await as('admin', async () => password)
    expect([host.root, await whoRunsAsRoot(host)]).toEqual([true, 'root'])
    const result = await host.exec(['sh', '-c', 'cat; echo fine >&2; exit 5'], { asRoot: true, input: 'my input' })
    expect({ ...result, stdout: result.stdout.toString() }).toEqual({ code: 5, signal: null, stdout: 'my input', stderr: 'fine\n' })
  })

  it('never lets the password reach a command that sudo runs without asking', async () => {
    const asked: SecretQuestion[] = []
    const host = await as('tutor', async question => `${asked.push(question)}`)
    expect(asked).toEqual([{ kind: 'sudo', user: 'tutor', host: '127.0.0.1' }])
    expect((await host.exec(['cat'], { asRoot: true, input: 'x' })).stdout.toString()).toBe('x')
  })

  it('asks again after a wrong password and gives up after three', async () => {
    const answers = ['wrong', password]
    expect((await as('admin', async () => answers.shift())).root).toBe(true)
    connection?.close()
    let asked = 0
    await expect(as('admin', async () => `wrong ${asked++}`)).rejects.toMatchObject({ code: 'sudo-password' })
    expect(asked).toBe(3)
  })

  it('goes on without root when the user gives no password', async () => {
    const host = await as('admin', async () => undefined)
    expect(host.root).toBe(false)
    expect((await host.exec(['id', '-un'])).stdout.toString()).toBe('admin\n')
  })
})
