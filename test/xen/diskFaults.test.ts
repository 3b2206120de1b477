/**
 * What goes wrong while a guest migrates with its disk. In every case the guest runs on exactly one host with all of its files,
 * and the target keeps no half of a disk.
 */
import type { RunEvent } from '../../shared/model/runEvent.ts'
import type { Attempt, AttemptOptions } from './support/migrateOnce.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copiesOn, eventually, whileFrozen } from './support/boxedLab.ts'
import { expectSoundFiles, migrateWithDisk, on, useDiskLab } from './support/diskLab.ts'

const room = '/var/lib/me2-lab/disks'
/** The target gives up on a silent source after --stall seconds, and then removes what it made. */
const patienceMs = 120_000

const own = useDiskLab()

function guest() {
  return own.guests[0]!
}

/** So that the copy at the target is one that the migration makes, and must take away again. */
beforeEach(async () => {
  await on(own.b, 'rm', '-f', guest().disk!.path)
})

/** The promise that every case must keep. */
afterEach(async () => {
  const [host, other] = (await copiesOn(own.a, guest().name)).some(({ name }) => name === guest().name) ? [own.a, own.b] : [own.b, own.a]
  expect(await eventually(async () => copiesOn(other, guest().name), ({ length }) => length === 0), `copies on ${other.name}`).toEqual([])
  await expectSoundFiles(guest(), host)
})

function isIn(phase: 'prepare' | 'copy' | 'final', event: RunEvent, done = 0): boolean {
  return 'message' in event && event.message.t === 'disk' && event.message.phase === phase && event.message.done > done
}

const inCopy = (event: RunEvent): boolean => isIn('copy', event, 5000)
const isSuspended = (event: RunEvent): boolean => 'message' in event && event.message.t === 'suspended'

/** Migrates, and lets `fault` happen once, at the first event that it is for. */
async function withFault(when: (event: RunEvent) => boolean, fault: (cancel: () => unknown) => Promise<unknown>, options: AttemptOptions = {}): Promise<Attempt> {
  const faults: Promise<unknown>[] = []
  const done = await migrateWithDisk(guest(), own.a, own.b, {
    ...options,
    onEvent: (event, _figures, cancel) => {
      if (faults.length === 0 && when(event))
        faults.push(fault(cancel))
    },
  })
  expect(faults, 'the fault happened').toHaveLength(1)
  await Promise.all(faults)
  return done
}

async function expectStayed({ result }: Attempt): Promise<void> {
  expect(result.outcome, result.summary).toBe('aborted')
  expect(result.where).toContainEqual(expect.objectContaining({ host: own.a.name, domain: guest().name }))
  expect(result.summary).toContain(own.a.name)
  const { path } = guest().disk!
  const left = async () => on(own.b, 'sh', '-c', 'ls "$1" 2>/dev/null || true', 'sh', path)
  expect(await eventually(left, text => text === '', patienceMs), `the target's copy`).toBe('')
}

async function cutLink(forMs: number): Promise<void> {
  await own.lab.linkCut(own.b.name, true)
  await sleep(forMs)
  await own.lab.linkCut(own.b.name, false)
}

describe('a guest that migrates with its disk stays, with all of its files', () => {
  it('when it is cancelled in the bulk copy', async () => {
    const done = await withFault(inCopy, async cancel => cancel())
    expect(done.result.problem?.code).toBe('cancelled')
    await expectStayed(done)
  })

  it('when the target has no room for the disk: nothing is copied', async () => {
    await on(own.b, 'sh', '-c', 'fallocate -l "$(($(df -B1 --output=avail "$1" | tail -n 1) - 1000000000))" "$1/ballast"', 'sh', room)
    try {
      const done = await migrateWithDisk(guest(), own.a, own.b)
      expect(done.result.problem?.message).toMatch(/room for/)
      await expectStayed(done)
    }
    finally {
      await on(own.b, 'rm', '-f', `${room}/ballast`)
    }
  })

  it('when somebody else fills the target in the middle of it', async () => {
    try {
      const done = await withFault(inCopy, async () => on(own.b, 'sh', '-c', 'fallocate -l "$(($(df -B1 --output=avail "$1" | tail -n 1) - 4000000))" "$1/ballast"', 'sh', room))
      expect(done.result.problem?.message).toMatch(/No space/)
      await expectStayed(done)
    }
    finally {
      await on(own.b, 'rm', '-f', `${room}/ballast`)
    }
  })

  it('when the target hangs in the bulk copy', async () => {
    await expectStayed(await withFault(inCopy, async () => whileFrozen(own.b, async () => sleep(45_000))))
  })

  it('when the link is cut in the bulk copy and stays cut', async () => {
    await expectStayed(await withFault(inCopy, async () => cutLink(45_000)))
  })

  it('when the target hangs after the guest was suspended: it goes on at the source', async () => {
    const done = await withFault(isSuspended, async () => whileFrozen(own.b, async () => sleep(45_000)))
    // An emulated host that was nearly done when it froze may have all of it: then the guest is whole at the target.
    if (done.result.outcome !== 'migrated')
      return expectStayed(done)
    expect(done.result).toMatchObject({ verify: { differing: 0 }, disk: { kept: true, verify: { differing: 0 } } })
    await migrateWithDisk(guest(), own.b, own.a)
  })
})

describe('a link that is cut for two seconds', () => {
  it('costs two seconds', async () => {
    const { result } = await withFault(inCopy, async () => cutLink(2000))
    expect(result, JSON.stringify(result.problem)).toMatchObject({ outcome: 'migrated', guestBad: 0, verify: { differing: 0 }, disk: { kept: true, verify: { differing: 0 } } })
  })
})
