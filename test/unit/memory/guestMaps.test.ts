import type { HostRegistry } from '../../../electron/services/hosts/hostRegistry.ts'
import type { MapMessage } from '../../../shared/contract/memory.ts'
import { beforeEach, describe, expect, it } from 'vitest'
import { GuestMaps } from '../../../electron/services/memory/guestMaps.ts'
import { decodeMapRuns } from '../../../shared/agent/mapRuns.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { FakeHost } from '../migration/fakeHost.ts'

let host: FakeHost
let maps: GuestMaps

beforeEach(() => {
  host = new FakeHost('hosta')
  const connectedHost = (name: string): FakeHost => {
    if (name !== 'hosta')
      throw new Me2Error('host-unreachable', 'It is not connected.')
    return host
  }
  maps = new GuestMaps({ connectedHost } as unknown as HostRegistry)
})

const which = { host: 'hosta', guest: 'web', everyMs: 500 }

describe('live maps', () => {
  it('tell the kernel, then the pages as the agent\'s own runs', async () => {
    const messages: MapMessage[] = []
    for await (const message of maps.follow(which))
      messages.push(message)
    expect(messages).toMatchObject([{ kind: 'opened', kernel: '6.1.0-51-amd64' }, { kind: 'snapshot', frames: 4 }])
    const [, snapshot] = messages
    expect(snapshot?.kind === 'snapshot' && decodeMapRuns(snapshot.runs, 4)).toEqual(Uint8Array.of(1, 1, 1, 3))
  })

  it('make no connection of their own', async () => {
    await expect(maps.follow({ ...which, host: 'off' }).next()).rejects.toMatchObject({ code: 'host-unreachable' })
    expect(host.connections).toBe(0)
  })

  it('are eight at a time at most; one that ends makes room', async () => {
    const open = Array.from({ length: 8 }, () => maps.follow(which))
    await Promise.all(open.map(async map => map.next()))
    await expect(maps.follow(which).next()).rejects.toMatchObject({ code: 'busy' })
    await open[0]!.return(undefined)
    expect((await maps.follow(which).next()).value).toMatchObject({ kind: 'opened' })
  })
})
