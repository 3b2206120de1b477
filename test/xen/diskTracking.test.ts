/** A guest's writes are found whatever dom0's kernel gives: traced with events lost, or not traced at all. */
import { beforeEach, describe, expect, it } from 'vitest'
import { checkFileSystem, expectSoundFiles, migrateWithDisk, on, shutDown, startAfresh, useDiskLab, withAgent } from './support/diskLab.ts'

const own = useDiskLab()

function guest() {
  return own.guests[0]!
}

describe('a guest whose writes', () => {
  const isWhole = { outcome: 'migrated', guestBad: 0, verify: { differing: 0 }, disk: { kept: true, verify: { differing: 0 } } }
  const writesMuch = ' me2.raw=48'

  beforeEach(async () => {
    await startAfresh(own, own.a, guest(), writesMuch)
    return async () => {
      await expectSoundFiles(guest(), own.b)
      expect(await shutDown(own.b, guest())).toMatch(/^ME2 raw writes=[1-9]\d+ errors=0$/m)
      await checkFileSystem(own.b, guest())
    }
  })

  it('cannot be traced, as debugfs is not mounted, goes with all of its disk, found by hashes', async () => {
    await on(own.a, 'umount', '/sys/kernel/debug')
    try {
      const { result } = await migrateWithDisk(guest(), own.a, own.b)
      console.log('by hashes:', JSON.stringify(result.disk), `paused ${result.downtimeMs?.toFixed(0)} ms`)
      expect(result).toMatchObject(isWhole)
      expect(result.disk).toMatchObject({ leftOut: 0, tracked: 'hash' })
      expect(result.disk!.notTraced).toMatch(/debugfs|trace/)
    }
    finally {
      await on(own.a, 'mount', '-t', 'debugfs', 'debugfs', '/sys/kernel/debug')
    }
  })

  it('are more than the kernel has room to tell goes on with a comparison, and is whole', async () => {
    const { result, messages } = await withAgent('agent-with-small-trace', [own.a, own.b], async (a, b) => migrateWithDisk(guest(), a, b))
    const losses = messages.flatMap(({ message }) => message.t === 'diskTracking' ? [message.losses] : [])
    console.log('events lost:', losses.join(', '), JSON.stringify(result.disk), `paused ${result.downtimeMs?.toFixed(0)} ms`)
    expect(losses.length).toBeGreaterThan(0)
    expect(result).toMatchObject(isWhole)
  })
})
