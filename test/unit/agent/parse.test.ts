import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorFrom, parseMessage } from '../../../electron/services/agent/parse.ts'

const domain = { domid: 3, name: 'web', uuid: '00000000-0000-0000-0000-000000000003', kind: 'pvh', state: 'running', memoryBytes: 268435456, maxMemoryBytes: 2 ** 64, vcpus: 1, cpuNs: 12 }
const migrateDone = { t: 'done', outcome: 'failed', reason: 'link', message: 'the link broke', xlExit: 1, streamBytes: 10, linkBytes: 5, totalMs: 1.5, downtimeMs: null, downtimeTransferMs: null, cpuMs: { agent: 12.5, xl: 3 }, here: [domain] }
const receiveDone = { t: 'done', outcome: 'failed', xlExit: null, linkBytes: 5, streamBytes: 10, cpuMs: { agent: 1, xl: 2.5 } }
const start = { t: 'start', ns: 2 ** 60, domid: 3, name: 'web', mode: 'stock', encoder: null, level: null, cacheMib: null, link: 'sealed', rateMbit: 20, explored: null, notExplored: null }

describe('messages', () => {
  it.each([
    ['an error', { t: 'error', code: 'no-xen', message: 'this is not a Xen dom0', action: '' }],
    ['the list of guests', { t: 'domains', domains: [domain] }],
    ['the start of a stock run on a host that has been up for years', start],
    ['the end of a migration', migrateDone],
    ['the end of a receiver', receiveDone],
    ['what encoded the pages', { t: 'encoding', by: [{ encoder: 'zstd', level: 3, pages: 9, bytes: 100, cpuMs: 0.2 }], cache: { pages: 16_384, lookups: 4, hits: 3 } }],
    ['a page with its encoders', { t: 'page', frame: 1, class: 3, present: false, kernel: null, fate: 'absent', rleBytes: 0, encoders: [{ encoder: 'lz4', level: 0, bytes: 900, us: 1.25 }], content: null }],
    ['a heartbeat', { t: 'heartbeat', ns: 1, received: 2, lastSequence: 3, bad: 0, checked: 4, gapMs: 5 }],
    ['a heartbeat of a guest with a disk', { t: 'heartbeat', ns: 1, received: 2, lastSequence: 3, bad: 0, checked: 4, filesChecked: 5, fileErrors: 0, diskWrittenBytes: 6, gapMs: 5 }],
    ['a link test', { t: 'linkTest', bytes: 1000, ms: 0.5, bytesPerSecond: 2000000 }],
  ])('takes %s', (_what, message) => {
    expect(parseMessage(JSON.stringify(message))).toEqual(message)
  })

  it('takes the lines of an agent of before format 2, which say nothing of caches and processor time', () => {
    const without = (message: object, ...fields: string[]) => parseMessage(JSON.stringify(message, (key, value: unknown) => fields.includes(key) ? undefined : value))
    expect(without(start, 'level', 'cacheMib')).toEqual(start)
    expect(without(migrateDone, 'cpuMs')).toEqual({ ...migrateDone, cpuMs: null })
    const round = { t: 'round', round: 0, pages: 9, leftOut: 1, constant: 2, encoded: 3, raw: 3, streamBytes: 10, linkBytes: 5, ms: 1, final: false }
    expect(without(round)).toEqual({ ...round, delta: 0, reference: 0 })
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
