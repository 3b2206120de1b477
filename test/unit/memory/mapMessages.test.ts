import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeMapRuns } from '../../../electron/services/memory/mapMessages.ts'
import { decodeMapRuns } from '../../../shared/agent/mapRuns.ts'

it('codes classes as runs that decode to the same', () => {
  const runs = fc.array(fc.record({ pageClass: fc.integer({ min: 0, max: 12 }), count: fc.integer({ min: 1, max: 20_000 }) }), { minLength: 1, maxLength: 60 })
  fc.assert(fc.property(runs, (list) => {
    const classes = Uint8Array.from(list.flatMap(({ pageClass, count }) => Array.from<number>({ length: count }).fill(pageClass)))
    expect(decodeMapRuns(encodeMapRuns(classes), classes.length)).toEqual(classes)
  }), { numRuns: 30 })
})
