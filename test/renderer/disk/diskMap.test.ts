import type { DiskMapView } from '../../../shared/contract/disks.ts'
import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { useDiskMap } from '../../../renderer/features/disk/useDiskMap.ts'
import { useGuestDisks } from '../../../renderer/features/disk/useGuestDisks.ts'
import { layOut } from '../../../renderer/features/map/hilbert.ts'
import { guestDisk, lookAt } from './disks.ts'

interface Asked {
  input: unknown
  answer: (value: unknown) => void
  refuse: (error: unknown) => void
}
const { asked } = vi.hoisted(() => ({ asked: [] as Asked[] }))

vi.mock('../../../renderer/features/map/layouts.ts', () => ({ layoutFor: async (frames: number) => layOut(frames) }))
vi.mock('../../../renderer/app/connection.ts', () => {
  const ask = async (input: unknown): Promise<unknown> => new Promise((answer, refuse) => {
    asked.push({ input, answer, refuse })
  })
  return {
    problemOf: (error: unknown) => ({ code: 'internal', message: String(error), action: '' }),
    call: async (askClient: (client: unknown) => Promise<unknown>) => askClient({ disks: { list: ask, map: ask } }),
  }
})

let scope = effectScope()

beforeEach(() => {
  asked.length = 0
  scope = effectScope()
})
afterEach(() => scope.stop())

describe('a look at a disk', () => {
  const which = ref({ host: 'xen-a', guest: 'web', disk: 'xvda' })
  const open = () => scope.run(() => useDiskMap(which))!
  const answer = async (at: number, view: DiskMapView): Promise<void> => {
    asked[at]!.answer(view)
    await flushPromises()
  }

  it('is made at once, and shows what was found', async () => {
    const { isReading, map, found } = open()
    expect([isReading.value, asked[0]!.input]).toEqual([true, which.value])
    await answer(0, lookAt())
    expect(isReading.value).toBe(false)
    expect([...map.value!.classes]).toEqual([3, 4, 6, 6, 1, 1, 1, 1])
    expect(found.value).toMatchObject({ blocks: 8, volumes: [{ kind: 'ext4' }] })
  })

  it('keeps what it had while another is under way, and after that one failed', async () => {
    const { map, problem, look, version } = open()
    await answer(0, lookAt())
    void look()
    expect(map.value).not.toBeNull()
    asked[1]!.refuse(new Error('gone'))
    await flushPromises()
    expect([problem.value?.message, map.value === null]).toEqual(['Error: gone', false])
    const before = version.value
    void look()
    await answer(2, { ...lookAt(), runs: Uint8Array.of(8, 1) })
    expect([problem.value, version.value, map.value!.counts[1]]).toEqual([null, before + 1, 8])
  })

  it('heeds no answer about a disk that was left', async () => {
    const { map } = open()
    which.value = { ...which.value, disk: 'xvdb' }
    await flushPromises()
    await answer(0, lookAt())
    expect(map.value).toBeNull()
    await answer(1, { ...lookAt(), places: 2, runs: Uint8Array.of(2, 6) })
    expect(map.value!.frames).toBe(2)
  })

  it('tells of runs that are damaged', async () => {
    const { map, problem } = open()
    await answer(0, { ...lookAt(), runs: Uint8Array.of(9, 1) })
    expect([problem.value?.code, map.value]).toEqual(['agent-protocol', null])
  })
})

describe('the disks of the chosen guest', () => {
  it('are asked for anew with each guest, and when it has been started anew', async () => {
    const which = ref({ host: 'xen-a', guest: 'web', domid: 3 })
    const disks = scope.run(() => useGuestDisks(which))!
    asked[0]!.answer([guestDisk('xvda')])
    await flushPromises()
    expect(disks.value.map(({ name }) => name)).toEqual(['xvda'])
    which.value = { ...which.value, domid: 4 }
    await flushPromises()
    expect([disks.value, asked.length]).toEqual([[], 2])
  })

  it('are none where the host cannot tell', async () => {
    const disks = scope.run(() => useGuestDisks(ref({ host: 'xen-a', guest: 'web', domid: 3 })))!
    asked[0]!.refuse(new Error('no xenstore'))
    await flushPromises()
    expect(disks.value).toEqual([])
  })
})
