/** What a screen may rely on, whichever way its messages travel. Each transport's test runs all of it. */
import type { ContractRouterClient } from '@orpc/contract'
import type { Console } from '../../electron/console.ts'
import type { Contract } from '../../shared/contract/index.ts'
import type { Role } from '../../shared/contract/procedure.ts'
import { Buffer } from 'node:buffer'
import { ORPCError } from '@orpc/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFakeConsole } from './fakeConsole.ts'

export interface OpenConnection {
  client: ContractRouterClient<Contract>
  /** Past the client: as a page that was tampered with would. */
  sendRaw: (message: string | Uint8Array<ArrayBuffer>) => void
  /** Resolves when the server has ended the connection. */
  closed: Promise<void>
  close: () => Promise<void>
}

const bytesOfOneMiB = Uint8Array.from({ length: 2 ** 20 }, (_, index) => (index * 31 + (index >> 8)) % 256)

const notOfTheProtocol: readonly [string, string | Uint8Array<ArrayBuffer>][] = [
  ['text', 'garbage'],
  ['an empty object', '{}'],
  ['an empty list', '[]'],
  ['null', 'null'],
  ['an address that is a number', '{"i":"1","p":{"u":5}}'],
  ['bytes', new Uint8Array([1, 2, 3])],
]

async function problemOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(() => null, (reason: unknown) => reason)
  expect(error).toBeInstanceOf(ORPCError)
  const { code, data } = error as ORPCError<string, unknown>
  expect(code).toBe('PROBLEM')
  return data
}

/** `open` connects a client of that role to a console. */
export function contractSuite(name: string, open: (role: Role, console: Console) => Promise<OpenConnection>): void {
  describe(`the contract over ${name}`, () => {
    let fake = createFakeConsole()
    let connections: OpenConnection[] = []
    const connect = async (role: Role): Promise<OpenConnection> => {
      const connection = await open(role, fake.console)
      connections.push(connection)
      return connection
    }
    const until = async (followers: number): Promise<void> => {
      for await (const count of fake.followers.follow()) {
        if (count === followers)
          return
      }
    }

    beforeEach(() => {
      fake = createFakeConsole()
    })

    afterEach(async () => {
      await Promise.all(connections.map(async connection => connection.close()))
      connections = []
    })

    it('answers a call', async () => {
      const { client } = await connect('viewer')
      expect(await client.session.hello()).toEqual({ role: 'viewer', version: '1.2.3', shell: 'web', canKeepSecrets: false })
    })

    it('refuses input that breaks its schema before a service sees it', async () => {
      const { client } = await connect('operator')
      await expect(client.runs.get({ id: '../../etc/passwd' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
      await expect(client.runs.import({ bytes: 'text' })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
      expect(fake.imported).toEqual([])
    })

    it('tells a problem with its code, its sentence and what to do', async () => {
      const { client } = await connect('viewer')
      expect(await problemOf(client.runs.get({ id: 'lost' })))
        .toEqual({ code: 'run-not-found', message: 'There is no run lost.', action: 'Look at the list of runs.' })
    })

    it('tells a bug as one', async () => {
      const { client } = await connect('viewer')
      expect(await problemOf(client.runs.get({ id: 'bug' }))).toMatchObject({ code: 'internal' })
    })

    it('delivers a stream, and ends it in the service when the consumer stops', async () => {
      const { client } = await connect('viewer')
      const stream = await client.settings.watch()
      expect(await stream.next()).toMatchObject({ done: false, value: { theme: 'dark' } })
      await until(1)
      await stream.return?.(undefined)
      await until(0)
    })

    it('ends a stream in the service when the consumer aborts while it waits', async () => {
      const { client } = await connect('viewer')
      const abort = new AbortController()
      const stream = await client.settings.watch(undefined, { signal: abort.signal })
      await stream.next()
      const waiting = stream.next().catch(() => null)
      abort.abort()
      await waiting
      await until(0)
    })

    it('ends streams in the service when the connection goes', async () => {
      const { client, close } = await connect('viewer')
      const streams = await Promise.all([client.settings.watch(), client.settings.watch()])
      await Promise.all(streams.map(async stream => stream.next()))
      await until(2)
      await close()
      await until(0)
    })

    it('tells the problem that a stream ends with', async () => {
      const { client } = await connect('viewer')
      const stream = await client.runs.events({ id: 'torn' })
      expect(await stream.next()).toEqual({ done: false, value: [] })
      expect(await problemOf(stream.next()))
        .toEqual({ code: 'run-corrupt', message: 'The run\'s events end in the middle.', action: 'Import it again.' })
    })

    it('carries a MiB of bytes there and back unchanged', async () => {
      const { client } = await connect('operator')
      expect(await client.runs.import({ bytes: bytesOfOneMiB })).toEqual({ id: 'imported' })
      const { bytes } = await client.runs.export({ ids: ['imported'], format: 'me2run', language: 'en' })
      expect(bytes).toBeInstanceOf(Uint8Array)
      expect(Buffer.compare(bytes, bytesOfOneMiB)).toBe(0)
    })

    it('refuses a viewer what is for operators', async () => {
      const viewer = await connect('viewer')
      expect(await problemOf(viewer.client.races.cancel())).toMatchObject({ code: 'not-operator' })
      expect(await problemOf(viewer.client.autopilot.start({ hosts: ['a', 'b'], mode: 'auto', dryRun: false }))).toMatchObject({ code: 'not-operator' })
      expect(await problemOf(viewer.client.lab.load({ guest: 'web', percent: 50 }))).toMatchObject({ code: 'not-operator' })
      expect(await problemOf(viewer.client.runs.import({ bytes: bytesOfOneMiB }))).toMatchObject({ code: 'not-operator' })
      expect(fake).toMatchObject({ cancelled: 0, imported: [] })
      const operator = await connect('operator')
      expect(await operator.client.races.cancel()).toEqual({ accepted: true, reason: null })
      expect(fake.cancelled).toBe(1)
    })

    it.each(notOfTheProtocol)('ends the connection of a client that sends %s, and goes on serving others', async (_, message) => {
      const other = await connect('viewer')
      const { sendRaw, closed } = await connect('viewer')
      sendRaw(message)
      await closed
      expect(await other.client.session.hello()).toMatchObject({ role: 'viewer' })
    })
  })
}
