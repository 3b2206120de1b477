import { describe, expect, it } from 'vitest'
import { Broadcast, Watched } from '../../../electron/services/watched.ts'

describe('a watched value', () => {
  it('is told at once, then on each change; who is slow gets the newest', async () => {
    const watched = new Watched(1)
    const follower = watched.follow()
    expect((await follower.next()).value).toBe(1)
    watched.set(2)
    watched.set(3)
    expect((await follower.next()).value).toBe(3)
    const next = follower.next()
    watched.set(4)
    expect((await next).value).toBe(4)
  })

  it('lets go of a follower whose signal aborts while nothing changes, and counts who is left', async () => {
    const counts: number[] = []
    const watched = new Watched(1, count => counts.push(count))
    const stop = new AbortController()
    const follower = watched.follow({ signal: stop.signal })
    await follower.next()
    const next = follower.next()
    stop.abort()
    expect((await next).done).toBe(true)
    expect(counts).toEqual([1, 0])
  })
})

describe('a broadcast', () => {
  it('gives every follower all messages since it came, in order', async () => {
    const broadcast = new Broadcast<number>()
    const follower = broadcast.follow()
    const first = follower.next()
    broadcast.send(1)
    broadcast.send(2)
    expect((await first).value).toBe(1)
    expect((await follower.next()).value).toBe(2)
    await follower.return(undefined)
  })

  it('ends with the signal, also while it waits', async () => {
    const broadcast = new Broadcast<number>()
    const stop = new AbortController()
    const next = broadcast.follow({ signal: stop.signal }).next()
    stop.abort()
    expect((await next).done).toBe(true)
  })
})
