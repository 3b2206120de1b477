/** What the screen computes from the autopilot's view, and the words it finds for it. */
import { describe, expect, it } from 'vitest'
import { i18n, messages } from '../../../renderer/app/i18n.ts'
import { labelPlaces } from '../../../renderer/charts/labelPlaces.ts'
import { columnPlot, isUnheard, moveArrow, plot, shortened, yOf } from '../../../renderer/features/autopilot/columns.ts'
import { limitsOf, listText, numberFields, presetOf, strangersIn, withList, withPreset } from '../../../renderer/features/autopilot/policyForm.ts'
import { lineSegments } from '../../../renderer/features/autopilot/timeline.ts'
import { eventWords, hostStateWords, planSentence, reasons } from '../../../renderer/features/autopilot/words.ts'
import { policyPresets } from '../../../shared/model/autopilot/policy.ts'
import { obstacles } from '../../../shared/model/autopilot/rules.ts'
import { busyView, guestView, hostView, webToC } from './view.ts'

const t = (key: string, values: Record<string, unknown> = {}): string => i18n.global.t(key, values)

describe('the columns', () => {
  it('stack dom0 and the guests, the heaviest lowest, to what the host uses', () => {
    const [a] = columnPlot(busyView().hosts, null, 900).columns
    expect(a!.blocks.map(({ guest }) => guest)).toEqual([null, 'web', 'db'])
    expect(a!.blocks.map(({ fromShare }) => Number(fromShare.toFixed(2)))).toEqual([0, 0.08, 0.53])
    expect(a!.share).toBeCloseTo(0.93)
  })

  it('show where a planned move would put its guest', () => {
    const { hosts, plan } = busyView()
    const drawn = columnPlot(hosts, plan, 900)
    expect(drawn.columns.map(({ shareAfter }) => shareAfter === null ? null : Number(shareAfter.toFixed(2)))).toEqual([0.48, null, 0.55])
    expect(drawn.columns[2]!.ghost).toEqual({ guest: 'web', fromShare: expect.closeTo(0.1) as number, share: 0.45 })
    expect(moveArrow(drawn)).toMatch(/^M[\d. ]+C[\d. ]+$/)
    expect(moveArrow(columnPlot(hosts, null, 900))).toBeNull()
  })

  it('take as many processors as a host has', () => {
    const [column] = columnPlot([hostView('big', 0.4, [guestView('web', 2)], { cpus: 4 })], null, 900).columns
    expect(column!.share).toBeCloseTo(0.6)
  })

  it('keep a readable width for many hosts, and scroll', () => {
    const hosts = Array.from({ length: 40 }, (_, i) => hostView(`h${i}`, 0.1, []))
    expect(columnPlot(hosts, null, 900).width).toBeGreaterThan(40 * 70)
    expect(columnPlot(hosts.slice(0, 3), null, 900).width).toBe(900 - plot.left - plot.right)
  })

  it('shorten names that have no room', () => {
    expect(shortened('db', 40)).toBe('db')
    expect(shortened('database-of-room-1', 40)).toBe('data…')
    expect(shortened('database', 1)).toBe('d…')
  })

  it('are faded where nothing is heard, and not where only an older sample is missing', () => {
    const problem = { code: 'connection-lost' as const, message: '', action: '' }
    expect(isUnheard(hostView('a', 0.1, [], { problem, evidence: null }))).toBe(true)
    expect(isUnheard(hostView('a', 0.1, [], { problem }))).toBe(false)
    expect(isUnheard(hostView('a', 0.1, [], { evidence: null }))).toBe(false)
  })

  it('leave room above for a host that is asked for more than it has', () => {
    const { topShare } = columnPlot([hostView('a', 0.3, [guestView('web', 1.2)])], null, 900)
    expect(topShare).toBeCloseTo(1.5)
    expect(yOf(topShare, topShare)).toBe(plot.top)
  })
})

describe('the lines of loads', () => {
  it('have a gap where a sample was lost', () => {
    expect(lineSegments([0.1, null, 0.3, 0.4], back => 100 - back, share => share * 10)).toEqual(['97.0,1.0', '99.0,3.0 100.0,4.0'])
  })

  it('have labels that do not lie on one another, nor below the chart', () => {
    const places = labelPlaces([{ y: 100 }, { y: 101 }, { y: 20 }], 104)
    expect(places.map(({ y }) => y)).toEqual([20, 89, 104])
  })
})

describe('the words', () => {
  it('say in one sentence what it would do', () => {
    const { plan } = busyView()
    expect(planSentence(plan, 0, t)).toBe('Move web from hosta to hostc.')
    expect(planSentence(plan, 4, t)).toBe('Warming up: 4 more samples.')
    expect(planSentence({ scenario: 'balance', host: 'hosta', steps: [], rejected: [] }, 0, t)).toBe('hosta is too busy, and nothing can be done about it.')
    expect(planSentence({ scenario: 'save', host: 'hostc', steps: [{ kind: 'standby', host: 'hostc' }], rejected: [] }, 0, t)).toBe('Empty hostc and put it to standby.')
    expect(planSentence({ scenario: 'balance', host: null, steps: [{ kind: 'wake', host: 'hostc' }], rejected: [] }, 0, t)).toBe('Wake hostc.')
  })

  it('give the reasons with their figures', () => {
    const { plan, hosts } = busyView()
    expect(reasons(plan!, hosts, t)).toEqual([
      'hosta was above the threshold in 5 of 5 samples; mean 93 %, forecast 93 %.',
      'The busier of the two hosts gets better by 34 %.',
      'Predicted for web: 98.0 MB in 12.4 s, paused for 0.42 s.',
    ])
  })

  it('hold what a move took against what was predicted', () => {
    const { figures, tone } = eventWords(busyView().log[0]!, t)
    expect(tone).toBe('good')
    expect(figures.map(({ predicted, actual, off }) => [predicted, actual, off])).toEqual([['98.0 MB', '106.0 MB', '+8 %'], ['12.4 s', '18.4 s', '+48 %'], ['0.42 s', '1.00 s', '+138 %']])
  })

  it('say where the guest is when a move went wrong', () => {
    const { text, tone } = eventWords({ at: '2026-11-24T01:00:00.000Z', kind: 'moved', move: webToC, outcome: 'aborted', run: 'r', cost: null, summary: 'web runs on hosta, as before.' }, t)
    expect(tone).toBe('bad')
    expect(text).toBe('web stayed on hosta. web runs on hosta, as before.')
  })

  it('tell the state of a host', () => {
    expect(hostStateWords(hostView('a', 0.1, [], { power: 'standby', evidence: null }), t)).toBe('standby')
    expect(hostStateWords(hostView('a', 0.1, [], { busy: true }), t)).toBe('migrating')
    expect(hostStateWords(hostView('a', 0.9, []), t)).toBe('too busy')
    const lost = hostView('a', 0.9, [], { problem: { code: 'connection-lost', message: '', action: '' } })
    expect(hostStateWords({ ...lost, evidence: { ...lost.evidence!, load: null } }, t)).toBe('not heard')
  })

  it('say that a dry run is one', () => {
    const started = { at: '2026-11-24T01:00:00.000Z', kind: 'started', mode: 'auto', hosts: ['a', 'b'], policy: policyPresets.balanced } as const
    expect(eventWords({ ...started, hosts: ['a', 'b'], dryRun: true }, t).text).toBe('Watches a, b: Moves by itself. Dry run.')
    expect(eventWords({ ...started, hosts: ['a', 'b'], dryRun: false }, t).text).toBe('Watches a, b: Moves by itself.')
  })

  it('have one for every obstacle, in both languages', () => {
    expect(Object.keys(messages.en.autopilot.obstacle).toSorted()).toEqual(obstacles.toSorted())
    expect(Object.keys(messages.zh.autopilot.obstacle).toSorted()).toEqual(obstacles.toSorted())
  })
})

describe('the rules form', () => {
  const policy = policyPresets.balanced

  it.each([
    ['excluded', 'web, db', { excluded: ['web', 'db'] }],
    ['pinned', 'web: hosta, db: hostb', { pinned: { web: 'hosta', db: 'hostb' } }],
    ['keptApart', 'web, web2; a, b, c', { keptApart: [['web', 'web2'], ['a', 'b', 'c']] }],
    ['maintenance', '', { maintenance: [] }],
  ] as const)('reads %s, and writes it again', (field, text, expected) => {
    const next = withList(policy, field, text)
    expect(next).toMatchObject(expected)
    expect(listText(next!, field)).toBe(text)
  })

  it('refuses a pin without a host', () => {
    expect(withList(policy, 'pinned', 'web')).toBeNull()
  })

  it('names those whom nobody knows, once each', () => {
    const rules = { ...policy, pinned: { web: 'hostd', db: 'hostd' }, keptApart: [['web', 'webb']], excluded: ['db'] }
    const known = new Set(['web', 'db', 'hosta'])
    expect(strangersIn(rules, 'pinned', known)).toEqual(['hostd'])
    expect(strangersIn(rules, 'keptApart', known)).toEqual(['webb'])
    expect(strangersIn(rules, 'excluded', known)).toEqual([])
  })

  it('asks for no more samples above than are looked at', () => {
    const limits = (name: string) => limitsOf(numberFields.find(field => field.name === name)!, { ...policy, hotOf: 3, lastOf: 5 })
    expect([limits('hotOf'), limits('lastOf'), limits('warmUp')]).toEqual([{ min: 1, max: 5 }, { min: 3, max: 60 }, { min: 1, max: 720 }])
  })

  it('knows a preset whatever the rules about single guests', () => {
    const own = { ...policy, excluded: ['web'] }
    expect(presetOf(own)).toBe('balanced')
    expect(presetOf({ ...own, hotShare: 0.7 })).toBeNull()
    expect(withPreset(own, 'powerSaving')).toMatchObject({ savesPower: true, excluded: ['web'] })
  })
})
