/** The types make both languages complete; this sees what types do not: empty words, and places for values that differ. */
import { describe, expect, it } from 'vitest'
import { messages } from '../../../renderer/app/i18n.ts'

function flatten(value: object, path = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]) => typeof inner === 'string' ? [[`${path}${key}`, inner] as [string, string]] : flatten(inner as object, `${path}${key}.`))
}

const english = flatten(messages.en)
const chinese = new Map(flatten(messages.zh))
/** Once each: English says some twice, for one and for many. */
const placesIn = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(match => match[1]!))].sort()

describe('the words', () => {
  it('are the same keys in both languages', () => {
    expect([...chinese.keys()].sort()).toEqual(english.map(([key]) => key).sort())
  })

  it.each(english)('%s has words, and the same values, in both', (key, text) => {
    expect(text.trim()).not.toBe('')
    expect(chinese.get(key)!.trim()).not.toBe('')
    expect(placesIn(chinese.get(key)!)).toEqual(placesIn(text))
  })
})
