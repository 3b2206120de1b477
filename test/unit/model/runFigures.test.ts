import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { Side } from '../../../shared/model/runEvent.ts'
import type { RunFigures } from '../../../shared/model/runFigures.ts'
import { describe, expect, it } from 'vitest'
import { addMessage, heartbeatIsBack, noFigures, resultFigures } from '../../../shared/model/runFigures.ts'
import { heartbeatMessage, migrated, progressMessage, received, roundMessage, startMessage } from './messages.ts'

function after(...messages: [Side, AgentMessage][]): RunFigures {
  return messages.reduce((figures, [side, message]) => addMessage(figures, side, message), noFigures)
}

const unpaused = { t: 'unpaused', ns: 9, status: 0 } as const

describe('figures of a run', () => {
  it('takes totals from the newest message', () => {
    expect(after(['source', progressMessage({ linkBytes: 400 })], ['source', progressMessage({ linkBytes: 600 })]).linkBytes).toBe(600)
    expect(after(['source', progressMessage()], ['source', migrated()])).toMatchObject({ linkBytes: 800, totalMs: 12_000, downtimeMs: 700 })
  })

  it('keeps each round, what was explored, the sweep and the verification', () => {
    const figures = after(
      ['source', startMessage()],
      ['source', roundMessage()],
      ['source', roundMessage({ round: 1, pages: 5, final: true })],
      ['source', { t: 'swept', leftOut: 40, resent: 2 }],
      ['source', { t: 'verify', compared: 60, differing: 1, ioBuffers: 0, pageTables: 0, skipped: 40, frames: [5] }],
    )
    expect(figures.rounds.map(round => round.pages)).toEqual([100, 5])
    expect(resultFigures(figures)).toMatchObject({ explored: { kernel: '6.1.0' }, swept: { resent: 2 }, verify: { compared: 60, differing: 1, ioBuffers: 0 } })
  })

  it('does not take the target\'s totals for the source\'s', () => {
    expect(after(['target', received('running')]).totalMs).toBeNull()
  })

  it('keeps what encoded the pages, and the processor time of each host', () => {
    const by = [{ encoder: 'zstd', level: 3, pages: 90, bytes: 5000, cpuMs: 12 }] as const
    const figures = after(
      ['source', { t: 'encoding', by: [...by], cache: { pages: 16_384, lookups: 10, hits: 4 } }],
      ['target', { ...received('running'), cpuMs: { agent: 30, xl: 40 } }],
      ['source', migrated({ cpuMs: { agent: 10, xl: 20 } })],
    )
    expect(resultFigures(figures)).toMatchObject({
      encoding: { by, cache: { lookups: 10, hits: 4 } },
      cpuMs: { source: { agent: 10, xl: 20 }, target: { agent: 30, xl: 40 } },
      linkBytes: 800,
    })
  })

  it('knows no processor time where no host told', () => {
    expect(resultFigures(after(['target', received('running')], ['source', migrated()])).cpuMs).toBeNull()
    expect(resultFigures(after(['source', migrated({ cpuMs: { agent: 10, xl: 20 } })])).cpuMs).toEqual({ source: { agent: 10, xl: 20 }, target: null })
  })

  it('is past the point of no return as soon as either end says so', () => {
    expect(after(['target', { t: 'goAhead', ns: 1 }]).goAhead).toBe(true)
    expect(after(['source', { t: 'goAhead', ns: 1 }]).goAhead).toBe(true)
    expect(after(['source', { t: 'ready', ns: 1 }]).goAhead).toBe(false)
  })

  it('keeps the longest silence by each host\'s own clock', () => {
    const figures = after(
      ['source', heartbeatMessage({ gapMs: 900 })],
      ['source', heartbeatMessage({ gapMs: 12 })],
      ['target', { t: 'heartbeatSummary', received: 9, lost: 80, bad: 0, checked: 100, largestGapMs: 880, gapStartNs: 1, gapEndNs: 2 }],
    )
    expect(resultFigures(figures)).toMatchObject({ heartbeatGapMs: 900, heartbeatGapTargetMs: 880, heartbeatsLost: 80 })
  })

  it('counts what the guest checked since it was unpaused, and every bad page either host heard of', () => {
    const figures = after(
      ['source', heartbeatMessage({ checked: 100 })],
      ['source', unpaused],
      ['target', heartbeatMessage({ checked: 160, bad: 3 })],
    )
    expect(resultFigures(figures)).toMatchObject({ guestCheckedAfter: 60, guestBad: 3 })
  })

  it('has no figures for a guest without a heartbeat', () => {
    expect(resultFigures(after(['source', unpaused]))).toMatchObject({ guestBad: null, guestCheckedAfter: null, heartbeatGapMs: null })
  })

  it('hears the guest again only once a datagram came after it was unpaused', () => {
    const before: [Side, AgentMessage][] = [['source', heartbeatMessage({ received: 10 })], ['source', unpaused]]
    expect(heartbeatIsBack(after(...before, ['source', heartbeatMessage({ received: 10 })]))).toBe(false)
    expect(heartbeatIsBack(after(...before, ['source', heartbeatMessage({ received: 11 })]))).toBe(true)
  })

  it('is bounded in rounds', () => {
    const endless = Array.from({ length: 400 }, (_, round): [Side, AgentMessage] => ['source', roundMessage({ round })])
    expect(after(...endless).rounds).toHaveLength(256)
  })
})
