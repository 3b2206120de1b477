import type { Server, Socket } from 'node:net'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { monitorCommand, setLink } from '../../../electron/services/lab/monitor.ts'

let folder: string
let path: string
let server: Server | null
let heard: unknown[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-monitor-'))
  path = join(folder, 'socket')
  server = null
  heard = []
})

afterEach(async () => {
  server?.close()
  await rm(folder, { recursive: true })
})

/** Speaks as QEMU does: a greeting, one answer a command, events whenever it likes. */
async function startQemu(answer: (command: { execute: string }, socket: Socket) => void): Promise<void> {
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\r\n')
    createInterface({ input: socket }).on('line', (line) => {
      const command = JSON.parse(line) as { execute: string }
      heard.push(command)
      if (command.execute === 'qmp_capabilities')
        socket.write('{"return": {}}\r\n')
      else
        answer(command, socket)
    })
  }).listen(path)
  await once(server, 'listening')
}

describe('a command to QEMU', () => {
  it('is sent after the capabilities, and events do not pass for its answer', async () => {
    await startQemu((_, socket) => {
      socket.write('{"event": "STOP", "timestamp": {}}\r\n{"return": {"status": "paused"}}\r\n')
    })
    expect(await monitorCommand(path, 'query-status')).toEqual({ status: 'paused' })
    expect(heard).toEqual([{ execute: 'qmp_capabilities' }, { execute: 'query-status', arguments: {} }])
  })

  it('plugs the cable out by its name', async () => {
    await startQemu((_, socket) => socket.write('{"return": {}}\r\n'))
    await setLink(path, false)
    expect(heard[1]).toEqual({ execute: 'set_link', arguments: { name: 'link', up: false } })
  })

  it('tells when QEMU refuses', async () => {
    await startQemu((_, socket) => socket.write('{"error": {"class": "DeviceNotFound", "desc": "Device \'x\' not found"}}\r\n'))
    await expect(monitorCommand(path, 'set_link')).rejects.toMatchObject({ code: 'lab-not-running', message: expect.stringContaining('not found') as string })
  })

  it('may end the connection only if it was to quit', async () => {
    await startQemu((_, socket) => socket.end())
    await expect(monitorCommand(path, 'quit')).resolves.toBeDefined()
    await expect(monitorCommand(path, 'cont')).rejects.toMatchObject({ code: 'lab-not-running' })
  })

  it('fails when nobody listens, and when nobody answers', async () => {
    await expect(monitorCommand(join(folder, 'nobody'), 'stop')).rejects.toMatchObject({ code: 'lab-not-running' })
    await startQemu(() => {})
    await expect(monitorCommand(path, 'stop', {}, 100)).rejects.toMatchObject({ code: 'lab-not-running' })
  })
})
