/**
 * The .me2run file: one run to hand on.
 *
 * Gzip (RFC 1952) of JSON lines (UTF-8, one value a line, each ended by a newline):
 *   1        {"format":"me2run","version":1}
 *   2        the run, as in run.json (shared/model/run.ts)
 *   3 … n+2  its n events, oldest first (shared/model/runEvent.ts)
 *   n+3      {"end":true,"events":n}, by which a file that was cut short is told
 * A reader refuses another `version`. There are no page contents and no secrets in it.
 */
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import process from 'node:process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { z } from 'zod'
import { runSchema } from '../../../shared/model/run.ts'
import { runEventSchema } from '../../../shared/model/runEvent.ts'
import { checkedBy, corrupt, readJsonLines } from './jsonLines.ts'

const fileVersion = 1
const headerSchema = z.object({ format: z.literal('me2run'), version: z.literal(fileVersion) })
const endSchema = z.object({ end: z.literal(true), events: z.number() })

export interface SavedRun {
  run: Run
  events: RunEvent[]
}

async function* fileLines(run: Run, events: AsyncIterable<RunEvent>): AsyncGenerator<string> {
  yield `${JSON.stringify({ format: 'me2run', version: fileVersion })}\n`
  yield `${JSON.stringify(run)}\n`
  let count = 0
  for await (const event of events) {
    count++
    yield `${JSON.stringify(event)}\n`
  }
  yield `${JSON.stringify({ end: true, events: count })}\n`
}

/** Writes under a temporary name and renames; an existing file is replaced. */
export async function writeRunFile(path: string, run: Run, events: AsyncIterable<RunEvent>): Promise<void> {
  const temporary = `${path}.${process.pid}.new`
  try {
    await pipeline(Readable.from(fileLines(run, events)), createGzip(), createWriteStream(temporary))
    await rename(temporary, path)
  }
  catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function collect(values: readonly unknown[]): SavedRun {
  const [header, run, ...rest] = values
  checkedBy(headerSchema, header, 'its header')
  const end = checkedBy(endSchema, rest.pop(), 'its end')
  if (end.events !== rest.length)
    throw corrupt(`it has ${rest.length} events of ${end.events}`)
  return { run: checkedBy(runSchema, run, 'the run'), events: rest.map(event => checkedBy(runEventSchema, event, 'an event')) }
}

/** Throws `run-corrupt` for what is no such file or a damaged one. */
export async function readRunFile(path: string): Promise<SavedRun> {
  const file = createReadStream(path)
  const unzipped = file.pipe(createGunzip())
  file.on('error', error => unzipped.destroy(error))
  try {
    const values: unknown[] = []
    for await (const value of readJsonLines(unzipped))
      values.push(value)
    return collect(values)
  }
  catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      throw corrupt('it is no .me2run file, or was damaged on its way')
    throw error
  }
  finally {
    file.destroy()
  }
}
