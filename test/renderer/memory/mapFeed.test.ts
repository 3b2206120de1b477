import type { GuestName } from '../../../renderer/features/memory/guestName.ts'
import type { MapFeed } from '../../../renderer/features/memory/useMapFeed.ts'
import type { MapMessage } from '../../../shared/contract/memory.ts'
import type { Problem } from '../../../shared/errors.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, ref } from 'vue'
import { layOut } from '../../../renderer/features/map/hilbert.ts'
import { useMapFeed } from '../../../renderer/features/memory/useMapFeed.ts'

interface OpenedStream {
  send: (message: MapMessage) => Promise<void>
  fail: (problem: Problem) => void
  end: () => void
  stopped: boolean
}
/** Streams that the feed has opened, newest last. */
const streams: OpenedStream[] = []

vi.mock('../../../renderer/features/map/layouts.ts', () => ({ layoutFor: async (frames: number) => layOut(frames) }))
vi.mock('../../../renderer/app/connection.ts', () => ({
  problemOf: (error: unknown) => ({ code: 'internal', message: String(error), action: '' }),
  followStream: (_open: unknown, handlers: { onValue: (message: MapMessage) => void, onProblem: (problem: Problem) => void, onEnd: () => void }) => {
    const stream: OpenedStream = {
      stopped: false,
      send: async (message) => {
        handlers.onValue(message)
        await new Promise(resolve => setTimeout(resolve))
      },
      fail: handlers.onProblem,
      end: handlers.onEnd,
    }
    streams.push(stream)
    return () => {
      stream.stopped = true
    }
  },
}))

const newest = (): OpenedStream => streams.at(-1)!
/** Four frames: two free, two anonymous. */
const snapshot: MapMessage = { kind: 'snapshot', sequence: 7, ms: 1000, frames: 4, runs: Uint8Array.of(2, 1, 2, 3) }

describe('a guest\'s map as it is followed', () => {
  const which = ref<GuestName | null>(null)
  let scope = effectScope()
  let feed: MapFeed

  beforeEach(() => {
    streams.length = 0
    which.value = { host: 'xen-a', guest: 'web' }
    scope = effectScope()
    feed = scope.run(() => useMapFeed(which))!
  })
  afterEach(() => scope.stop())

  it('shows the snapshot, then what changes', async () => {
    expect(feed.state.value).toBe('reading')
    await newest().send({ kind: 'opened', kernel: '6.1.0' })
    await newest().send(snapshot)
    expect(feed.state.value).toBe('following')
    expect(feed.kernel.value).toBe('6.1.0')
    await newest().send({ kind: 'delta', sequence: 8, ms: 1500, changes: [0, 1, 4] })
    expect(feed.figures.value).toMatchObject({ frames: 4, counts: [0, 1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0] })
  })

  it('asks for all of it again when a delta is missing', async () => {
    await newest().send(snapshot)
    await newest().send({ kind: 'delta', sequence: 9, ms: 1500, changes: [0, 1, 4] })
    expect(streams).toHaveLength(2)
    expect(streams[0]!.stopped).toBe(true)
    await newest().send({ ...snapshot, sequence: 0, runs: Uint8Array.of(4, 4) })
    expect(feed.figures.value?.counts[4]).toBe(4)
  })

  it('heeds nothing of a stream that it has left', async () => {
    await newest().send(snapshot)
    which.value = { host: 'xen-b', guest: 'web' }
    await vi.waitFor(() => expect(streams).toHaveLength(2))
    await streams[0]!.send({ kind: 'delta', sequence: 8, ms: 1500, changes: [0, 1, 4] })
    expect(feed.map.value).toBeNull()
  })

  it('tells when a page was written, and never that one was not looked at', async () => {
    await newest().send(snapshot)
    expect(feed.writtenAgoMs(0)).toBeNull()
    await newest().send({ kind: 'written', ms: 2000, sweepMs: 4000, runs: [1, 1, 0] })
    expect(feed.writtenAgoMs(0)).toBe('never')
    expect(feed.writtenAgoMs(1)).toBeGreaterThanOrEqual(0)
    expect(feed.figures.value).toMatchObject({ writtenFrames: 1, sweepMs: 4000 })
  })

  it('reads nothing from the guest while it is paused, and compares with the kept snapshot after', async () => {
    await newest().send(snapshot)
    feed.keep()
    feed.pause()
    expect(feed.state.value).toBe('paused')
    expect(newest().stopped).toBe(true)
    feed.resume()
    await newest().send({ ...snapshot, runs: Uint8Array.of(1, 1, 3, 3) })
    expect(feed.figures.value?.changes).toEqual([{ from: 1, to: 3, frames: 1 }])
  })

  it('ends with the agent\'s damage as a problem, and the stream with it', async () => {
    await newest().send({ ...snapshot, runs: Uint8Array.of(9, 1) })
    expect(feed.problem.value?.code).toBe('agent-protocol')
    expect(feed.state.value).toBe('failed')
    expect(newest().stopped).toBe(true)
  })

  it('says what the console refused, and that the agent ended', () => {
    newest().fail({ code: 'not-understood', message: 'm', action: 'a' })
    expect(feed.problem.value?.code).toBe('not-understood')
    feed.resume()
    newest().end()
    expect(feed.state.value).toBe('ended')
  })

  it('stops with its screen', () => {
    scope.stop()
    expect(newest().stopped).toBe(true)
  })
})
