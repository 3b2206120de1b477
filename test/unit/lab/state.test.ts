import type { LabState } from '../../../electron/services/lab/state.ts'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseState, readState, removeState, writeState } from '../../../electron/services/lab/state.ts'

const state: LabState = {
  version: 3,
  key: 'fedcba9876543210',
  plan: { guestMemoryMiB: 512, twin: true, xen: ['4.14', '4.17'], deviceModel: false, roomMiB: 0, disks: false, bare: false },
  hosts: [{ name: 'hosta', linkAddress: '10.77.0.1', sshPort: 2222, cable: { port: 4001, peerPort: 4002 }, standby: true, image: { key: '0123456789abcdef', suite: 'bookworm', xen: '4.17', kernel: '6.1' }, process: { pid: 1234, startTicks: 99 } }],
  hub: { pid: 1235, startTicks: 99 },
}

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-state-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

function changed(changes: object): string {
  return JSON.stringify({ ...state, hosts: [{ ...state.hosts[0], ...changes }] })
}

describe('the record of a running lab', () => {
  it('is found again by another process', async () => {
    const path = join(folder, 'state.json')
    await writeState(path, state)
    expect(await readState(path)).toEqual(state)
    expect(await readdir(folder), 'no temporary file stays').toEqual(['state.json'])
  })

  it('is nothing where there is none, and after it was removed', async () => {
    const path = join(folder, 'state.json')
    expect(await readState(path)).toBeNull()
    await writeState(path, state)
    await removeState(path)
    await removeState(path)
    expect(await readState(path)).toBeNull()
  })

  it.each([
    ['no JSON', '{'],
    ['another version', JSON.stringify({ ...state, version: 1 })],
    ['no hosts', JSON.stringify({ ...state, hosts: [] })],
    ['a process number that must never be signalled', changed({ process: { pid: 1, startTicks: 0 } })],
    ['a negative process number: a whole group would be signalled', changed({ process: { pid: -5, startTicks: 0 } })],
    ['a host name that is a path', changed({ name: '../x' })],
    ['a port out of range', changed({ sshPort: 65536 })],
    ['more than anybody would have written', JSON.stringify({ ...state, note: 'x'.repeat(70_000) })],
  ])('is not believed when it is damaged: %s', async (_, json) => {
    expect(parseState(json)).toBeNull()
    const path = join(folder, 'state.json')
    await writeFile(path, json)
    expect(await readState(path)).toBeNull()
  })
})
