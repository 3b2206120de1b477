/** Against resources/agent/FORMAT.md, "Encoded page": the rule, and the sizes that follow from it. */
import type { PageWords, WordKind } from '../../../shared/model/pageRuns.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOfWord, formatAscii, formatBytesHex, formatOffset, formatWord } from '../../../renderer/features/memory/pageText.ts'
import { foldPageRuns, readPageWords } from '../../../shared/model/pageRuns.ts'

function pageOf(wordAt: (word: number) => bigint): Uint8Array {
  const content = new Uint8Array(4096)
  const view = new DataView(content.buffer)
  for (let word = 0; word < 512; word++)
    view.setBigUint64(8 * word, wordAt(word), true)
  return content
}
/** FORMAT.md: "The length is exact: 4 + 8 · (masks + literals)", a mask for each group that is neither all nor none of a kind. */
function encodedPageBytes({ kinds }: PageWords): number {
  let masksAndLiterals = 0
  for (let start = 0; start < 512; start += 64) {
    const group = kinds.slice(start, start + 64)
    const count = (kind: WordKind): number => group.filter(each => each === kind).length
    const needsMask = (kind: WordKind): boolean => count(kind) > 0 && count(kind) < 64
    masksAndLiterals += count('literal') + Number(needsMask('zero')) + Number(needsMask('repeat'))
  }
  return 4 + 8 * masksAndLiterals
}
const sizeOf = (wordAt: (word: number) => bigint): number => encodedPageBytes(readPageWords(pageOf(wordAt)))

describe('words of a page', () => {
  it('are zero, a repeat of the word before, or a literal', () => {
    const { kinds } = readPageWords(pageOf(word => [5n, 5n, 0n, 5n, 5n, 5n, 6n][word] ?? 0n))
    expect(kinds.slice(0, 8)).toEqual(['literal', 'repeat', 'zero', 'literal', 'repeat', 'repeat', 'literal', 'zero'])
  })

  it('never begin with a repeat, nor have one after a zero', () => {
    fc.assert(fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n }), { minLength: 512, maxLength: 512 }), (values) => {
      const { kinds } = readPageWords(pageOf(word => values[word]!))
      expect(kinds[0]).not.toBe('repeat')
      expect(kinds.some((kind, word) => kind === 'repeat' && kinds[word - 1] === 'zero')).toBe(false)
    }))
  })

  it('are read from a page that lies anywhere in a buffer', () => {
    const buffer = new Uint8Array(4096 + 3)
    buffer.set(pageOf(word => BigInt(word)), 3)
    expect(readPageWords(buffer.subarray(3)).values[511]).toBe(511n)
  })
})

describe('the encoded size', () => {
  it('of FORMAT.md\'s example, a page with only its first word in use, is its 20 bytes', () => {
    expect(sizeOf(word => word === 0 ? 0x0807060504030201n : 0n)).toBe(20)
  })

  it('is four bytes for an all-zero page: no mask, no literal', () => {
    expect(sizeOf(() => 0n)).toBe(4)
  })

  it('has one literal and the first group\'s mask for a page of one word', () => {
    expect(sizeOf(() => 7n)).toBe(4 + 8 + 8)
  })

  it('has every word for a page of literals', () => {
    expect(sizeOf(word => BigInt(word + 1))).toBe(4 + 4096)
  })

  it('has both masks of a group with both kinds', () => {
    expect(sizeOf(word => word < 64 ? ([9n, 9n, 0n][word] ?? BigInt(word)) : 0n)).toBe(4 + 8 * (62 + 2))
  })
})

describe('folded runs', () => {
  it('hold every word once and give the page back', () => {
    fc.assert(fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n }), { minLength: 512, maxLength: 512 }), (values) => {
      const runs = foldPageRuns(readPageWords(pageOf(word => values[word]!)))
      expect(runs.flatMap(({ words, value }) => Array.from({ length: words }).fill(value))).toEqual(values)
      expect(runs.every(({ first }, index) => first === runs.slice(0, index).reduce((sum, { words }) => sum + words, 0))).toBe(true)
    }), { numRuns: 20 })
  })

  it('tell whether their first word is sent', () => {
    const runs = foldPageRuns(readPageWords(pageOf(word => word < 3 ? 7n : 0n)))
    expect(runs).toEqual([{ first: 0, words: 3, value: 7n, kind: 'literal' }, { first: 3, words: 509, value: 0n, kind: 'zero' }])
  })
})

describe('a page as text', () => {
  it('shows a word as a number, its bytes in their order', () => {
    const bytes = new TextEncoder().encode('HTTP/1.1')
    const content = pageOf(word => word === 2 ? new DataView(bytes.buffer).getBigUint64(0, true) : 0n)
    const word = bytesOfWord(content, 2)
    expect(formatWord(readPageWords(content).values[2]!)).toBe('312e312f50545448')
    expect([formatOffset(2), formatAscii(word), formatBytesHex(word)]).toEqual(['010', 'HTTP/1.1', '48 54 54 50 2f 31 2e 31'])
    expect(formatAscii(Uint8Array.of(0, 0x1F, 0x7F, 0xE4, 0x20))).toBe('···· ')
  })
})
