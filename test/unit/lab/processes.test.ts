import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findInFolder, identify, isAlive, isOurs, parseStat, signalProcess, waitForEnd } from '../../../electron/services/lab/processes.ts'

let folder: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'me2-processes-')))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function startSleeper() {
  const child = spawn('sleep', ['600'], { cwd: folder, stdio: 'ignore' })
  await once(child, 'spawn')
  return { child, identity: (await identify(child.pid!))!, ended: once(child, 'exit') }
}

describe('parseStat', () => {
  const numbers = Array.from({ length: 30 }, (_, i) => i + 4).join(' ')

  it('counts fields after the last parenthesis of the name, whatever the name is', () => {
    for (const name of ['qemu', 'a b', 'x) S 1 (y'])
      expect(parseStat(`42 (${name}) S ${numbers}`)).toEqual({ state: 'S', startTicks: 22 })
  })

  it('gives nothing for what is no stat line', () => {
    expect(parseStat('')).toBeNull()
    expect(parseStat('42 (x) S 1 2')).toBeNull()
  })
})

describe('a recorded process', () => {
  it('is alive until it ends', async () => {
    const { identity, ended } = await startSleeper()
    expect(await isAlive(identity)).toBe(true)
    expect(await waitForEnd(identity, 0)).toBe(false)
    await signalProcess(identity, 'SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect(await waitForEnd(identity, 5000)).toBe(true)
    expect(await isAlive(identity)).toBe(false)
  })

  it('is not mistaken for a stranger who got its number, and the stranger is not signalled', async () => {
    const { child, identity, ended } = await startSleeper()
    const predecessor = { pid: identity.pid, startTicks: identity.startTicks - 1 }
    expect(await isAlive(predecessor)).toBe(false)
    await signalProcess(predecessor, 'SIGKILL')
    expect(await isAlive(identity)).toBe(true)
    child.kill()
    await ended
  })

  it('is ours only in our folder and with our argument', async () => {
    const { child, identity, ended } = await startSleeper()
    expect(await isOurs(identity.pid, folder, '600')).toBe(true)
    expect(await isOurs(identity.pid, folder, '60')).toBe(false)
    expect(await isOurs(identity.pid, tmpdir(), '600')).toBe(false)
    expect(await findInFolder(folder, /^600$/)).toEqual([identity])
    expect(await findInFolder(folder, /^700$/)).toEqual([])
    child.kill()
    await ended
    expect(await findInFolder(folder, /^600$/)).toEqual([])
  })
})
