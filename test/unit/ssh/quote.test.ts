import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { quoteArgv } from '../../../electron/services/ssh/quote.ts'

/** What a real shell makes of a command line: its words, each ended by a NUL. */
function wordsSeenBy(shell: string, commandLine: string): string[] {
  const output = execFileSync(shell, ['-c', commandLine], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' } })
  return output.split('\0').slice(0, -1)
}

const word = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'\'"\\`$!*?[]{}()<>|&;#~=%^ \t\n-a') }),
).filter(text => !text.includes('\0'))

it.each(['/bin/sh', '/bin/bash'])('%s sees exactly the words that were given, whatever is in them', (shell) => {
  fc.assert(fc.property(fc.array(word, { maxLength: 5 }), (words) => {
    expect(wordsSeenBy(shell, quoteArgv(['printf', '%s\\0', 'first', ...words]))).toEqual(['first', ...words])
  }), { numRuns: 150 })
})

it('never takes the first word for an assignment, a keyword or a home folder', () => {
  for (const name of ['A=b', 'if', '~', '*'])
    expect(() => execFileSync('/bin/sh', ['-c', quoteArgv([name])], { stdio: 'ignore' })).toThrow(/Command failed/)
})

it('refuses what no command line can carry', () => {
  expect(() => quoteArgv([])).toThrow(expect.objectContaining({ code: 'usage' }) as Error)
  expect(() => quoteArgv(['echo', 'a\0b'])).toThrow(expect.objectContaining({ code: 'usage' }) as Error)
})
