import type { Domain } from '../../../shared/agent/messages.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge } from '../../../shared/model/whereabouts.ts'
import { domain } from './messages.ts'

function found(source: Domain[] | null, target: Domain[] | null) {
  return judge('web', { host: 'hosta', domains: source }, { host: 'hostb', domains: target })
}

describe('where is the guest?', () => {
  it('is migrated when it runs at the target alone', () => {
    expect(found([], [domain('web', 'blocked')])).toMatchObject({ outcome: 'migrated', settled: true, leftovers: [], where: [{ host: 'hostb', domain: 'web', state: 'blocked' }] })
  })

  it('is aborted when it still runs at the source', () => {
    expect(found([domain('web')], [])).toMatchObject({ outcome: 'aborted', settled: true })
  })

  it('waits for copies to vanish, and names them as left over if they do not', () => {
    const away = found([domain('web--migratedaway', 'suspended')], [domain('web')])
    expect(away).toMatchObject({ outcome: 'migrated', settled: false })
    expect(away.leftovers[0]).toContain('web--migratedaway')
    expect(found([domain('web')], [domain('web--incoming', 'paused')])).toMatchObject({ outcome: 'aborted', settled: false })
  })

  it('fails when it runs on neither, and tells what there is', () => {
    const verdict = found([domain('web', 'suspended')], [domain('web--incoming', 'paused')])
    expect(verdict).toMatchObject({ outcome: 'failed', settled: false, leftovers: [] })
    expect(verdict.summary).toContain('web--incoming (paused)')
  })

  it('fails loudly when it runs on both', () => {
    expect(found([domain('web')], [domain('web')])).toMatchObject({ outcome: 'failed', summary: expect.stringContaining('both') as string })
  })

  it('is unknown when a host could not be asked, whatever the other one says', () => {
    expect(found(null, [domain('web')])).toMatchObject({ outcome: 'unknown', where: [{ host: 'hostb' }] })
    expect(found([domain('web')], null).summary).toContain('hostb could not be asked')
  })

  it('does not take another guest for this one', () => {
    expect(found([domain('web2')], [domain('web', 'running')])).toMatchObject({ outcome: 'migrated', settled: true })
  })

  it('never says that it is settled unless exactly one copy exists and runs', () => {
    const names = fc.constantFrom('web', 'web--incoming', 'web--migratedaway', 'other')
    const states = fc.constantFrom<Domain['state']>('running', 'blocked', 'paused', 'suspended', 'crashed', 'dying')
    const lists = fc.array(fc.tuple(names, states).map(([name, state]) => domain(name, state)), { maxLength: 3 })
    fc.assert(fc.property(lists, lists, (source, target) => {
      const copies = [...source, ...target].filter(({ name }) => name !== 'other')
      const runsOnce = copies.length === 1 && copies[0]!.name === 'web' && ['running', 'blocked'].includes(copies[0]!.state)
      expect(found(source, target).settled).toBe(runsOnce)
    }))
  })
})
