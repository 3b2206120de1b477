/**
 * How run-length encoding sees one page: each of its 512 words is zero, a repeat (not zero, equal to the word before it)
 * or a literal, which is all that travels besides the bit masks. The rule is that of
 * resources/agent/FORMAT.md, "Encoded page".
 */

export type WordKind = 'literal' | 'zero' | 'repeat'

export const wordBytes = 8
export const wordsPerPage = 512

export interface PageWords {
  values: BigUint64Array
  kinds: readonly WordKind[]
}

/** Words that show as one line: `words` times `value` from word `first`. */
export interface PageRun {
  first: number
  words: number
  value: bigint
  /** Of the run's first word; the ones after it are never sent. */
  kind: WordKind
}

function kindOf(values: BigUint64Array, word: number): WordKind {
  if (values[word] === 0n)
    return 'zero'
  return word > 0 && values[word] === values[word - 1] ? 'repeat' : 'literal'
}

/** `content`: 4096 bytes, words little-endian. */
export function readPageWords(content: Uint8Array): PageWords {
  const view = new DataView(content.buffer, content.byteOffset, wordsPerPage * wordBytes)
  const values = BigUint64Array.from({ length: wordsPerPage }, (_, word) => view.getBigUint64(word * wordBytes, true))
  return { values, kinds: Array.from(values, (_, word) => kindOf(values, word)) }
}

/** Neighbouring words of one value, folded. Every word of the page is in one run. */
export function foldPageRuns({ values, kinds }: PageWords): PageRun[] {
  const runs: PageRun[] = []
  for (const [word, value] of values.entries()) {
    const last = runs.at(-1)
    if (last?.value === value)
      last.words++
    else
      runs.push({ first: word, words: 1, value, kind: kinds[word]! })
  }
  return runs
}
