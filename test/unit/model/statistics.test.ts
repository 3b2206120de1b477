import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ratioOfMedians, spreadOf } from '../../../shared/model/statistics.ts'

const values = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 40 })

describe('spread of repeated measurements', () => {
  it('has no figures without measurements', () => {
    expect(spreadOf([])).toBeNull()
  })

  it('interpolates between order statistics', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ count: 4, median: 2.5, min: 1, max: 4, q1: 1.75, q3: 3.25 })
    expect(spreadOf([7])).toEqual({ count: 1, median: 7, min: 7, max: 7, q1: 7, q3: 7 })
  })

  it('is ordered, whatever was measured', () => {
    fc.assert(fc.property(values, (measured) => {
      const { min, q1, median, q3, max } = spreadOf(measured)!
      const slack = max * 1e-12
      expect(min).toBeLessThanOrEqual(q1 + slack)
      expect(q1).toBeLessThanOrEqual(median + slack)
      expect(median).toBeLessThanOrEqual(q3 + slack)
      expect(q3).toBeLessThanOrEqual(max + slack)
    }))
  })

  it('does not depend on the order of the runs, nor does it change them', () => {
    fc.assert(fc.property(values, (measured) => {
      const before = [...measured]
      expect(spreadOf(measured.toReversed())).toEqual(spreadOf(measured))
      expect(measured).toEqual(before)
    }))
  })

  it('puts as many measurements below the median as above it', () => {
    fc.assert(fc.property(values, (measured) => {
      const { median } = spreadOf(measured)!
      const half = measured.length / 2
      expect(measured.filter(value => value < median).length).toBeLessThanOrEqual(half)
      expect(measured.filter(value => value > median).length).toBeLessThanOrEqual(half)
    }))
  })
})

describe('ratio of medians', () => {
  it('is ME2 over stock, and nothing where one of them is missing', () => {
    expect(ratioOfMedians(spreadOf([40, 60]), spreadOf([100]))).toBe(0.5)
    expect(ratioOfMedians(null, spreadOf([100]))).toBeNull()
    expect(ratioOfMedians(spreadOf([40]), null)).toBeNull()
    expect(ratioOfMedians(spreadOf([40]), spreadOf([0]))).toBeNull()
  })
})
