/** From a byte stream to lines, with a limit, so that a host cannot fill the console's memory. */
import type { Readable } from 'node:stream'

/**
 * Whole lines without their end. What follows the last line end is dropped: a process that died in the middle of a
 * line has not said it. A line of more than `maxBytes` throws what `onTooLong` makes. Leaving the loop early leaves the
 * stream as it is.
 */
export async function* readLines(stream: Readable, maxBytes: number, onTooLong: () => Error): AsyncGenerator<string> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      if (pendingBytes + end - start > maxBytes)
        throw onTooLong()
      yield Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8')
      pending = []
      pendingBytes = 0
      start = end + 1
    }
    pending.push(chunk.subarray(start))
    pendingBytes += chunk.length - start
    if (pendingBytes > maxBytes)
      throw onTooLong()
  }
}
