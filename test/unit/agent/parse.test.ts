import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorFrom, parseMessage } from '../../../electron/services/agent/parse.ts'

const domain = { domid: 3, name: 'web', uuid: '00000000-0000-0000-0000-000000000003', kind: 'pvh', state: 'running', memoryBytes: 268435456, maxMemoryBytes: 2 ** 64, vcpus: 1, cpuNs: 12 }
const migrateDone = { t: 'done', outcome: 'failed', reason: 'link', message: 'the link broke', xlExit: 1, streamBytes: 10, linkBytes: 5, totalMs: 1.5, downtimeMs: null, downtimeTransferMs: null, here: [domain] }
const receiveDone = { t: 'done', outcome: 'failed', xlExit: null, linkBytes: 5, streamBytes: 10 }
const start = { t: 'start', ns: 2 ** 60, domid: 3, name: 'web', mode: 'stock', encoder: null, link: 'sealed', rateMbit: 20, explored: null, notExplored: null }

describe('messages', () => {
  it.each([
    ['an error', { t: 'error', code: 'no-xen', message: 'this is not a Xen dom0', action: '' }],
    ['the list of guests', { t: 'domains', domains: [domain] }],
    ['the start of a stock run on a host that has been up for years', start],
    ['the end of a migration', migrateDone],
    ['the end of a receiver', receiveDone],
    ['a link test', { t: 'linkTest', bytes: 1000, ms: 0.5, bytesPerSecond: 2000000 }],
  ])('takes %s', (_what, message) => {
    expect(parseMessage(JSON.stringify(message))).toEqual(message)
  })

  it('ignores fields that it does not know', () => {
    expect(parseMessage(JSON.stringify({ ...start, fresh: { from: 'a newer agent' } }))).toEqual(start)
  })

  it.each([
    ['no JSON', 'Segmentation fault'],
    ['no object', '[]'],
    ['an unknown kind', '{"t":"surprise"}'],
    ['a missing field', JSON.stringify({ ...start, domid: undefined })],
    ['a negative count', JSON.stringify({ ...receiveDone, linkBytes: -1 })],
    ['a migration\'s end without where the guest is', JSON.stringify({ ...migrateDone, here: undefined, outcome: 'migrated' })],
    ['a name without end', JSON.stringify({ t: 'domains', domains: [{ ...domain, name: 'x'.repeat(300) }] })],
    ['more guests than a host holds', JSON.stringify({ t: 'domains', domains: Array.from({ length: 1025 }).fill(domain) })],
  ])('refuses %s', (_what, line) => {
    expect(() => parseMessage(line)).toThrow(expect.objectContaining({ code: 'agent-protocol' }) as Error)
  })

  it('answers anything at all with a message or with agent-protocol', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.json().map(json => `{"t":"done","here":${json}}`)), (line) => {
      expect(() => parseMessage(line)).toThrow(expect.objectContaining({ code: 'agent-protocol' }) as Error)
    }))
  })
})

describe('the agent\'s errors', () => {
  it('keep their code, sentence and advice', () => {
    expect(errorFrom({ t: 'error', code: 'busy', message: 'm', action: 'a' }).toProblem()).toEqual({ code: 'busy', message: 'm', action: 'a' })
  })

  it('with a code from the future are internal', () => {
    expect(errorFrom({ t: 'error', code: 'warp', message: 'm', action: '' }).code).toBe('internal')
  })
})
