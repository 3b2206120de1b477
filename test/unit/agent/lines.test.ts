import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readLines } from '../../../electron/services/agent/lines.ts'

const tooLong = (): Error => new Error('too long')

async function linesOf(chunks: Iterable<Buffer>, maxBytes = 1000): Promise<string[]> {
  return Array.fromAsync(readLines(Readable.from(chunks, { objectMode: false }), maxBytes, tooLong))
}

it('gives the same lines however they were cut into pieces', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }).filter(line => !line.includes('\n'))), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
    const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''))
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
    expect(await linesOf(chunks)).toEqual(lines)
  }))
})

it('drops what was never finished', async () => {
  expect(await linesOf([Buffer.from('one\ntwo')])).toEqual(['one'])
})

it('takes a line of the very limit and refuses a longer one, finished or not', async () => {
  expect(await linesOf([Buffer.from('12345\n')], 5)).toEqual(['12345'])
  await expect(linesOf([Buffer.from('123456\n')], 5)).rejects.toThrow('too long')
  await expect(linesOf([Buffer.from('123'), Buffer.from('456')], 5)).rejects.toThrow('too long')
})

it('does not wait for the end of an endless line', async () => {
  const endless = new PassThrough()
  endless.write(Buffer.alloc(100, 'x'))
  await expect(Array.fromAsync(readLines(endless, 50, tooLong))).rejects.toThrow('too long')
})
