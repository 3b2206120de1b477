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
import type { Readable } from 'node:stream'
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { Buffer } from 'node:buffer'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import process from 'node:process'
import { PassThrough, Readable as ReadableStream } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { z } from 'zod'
import { runSchema } from '../../../shared/model/run.ts'
import { runEventSchema } from '../../../shared/model/runEvent.ts'
import { checkedBy, corrupt, readJsonLines } from './jsonLines.ts'

const fileVersion = 1
const headerSchema = z.object({ format: z.literal('me2run'), version: z.literal(fileVersion) })
const endSchema = z.object({ end: z.literal(true), events: z.number() })

/** A file from elsewhere may unpack to this much: some three hours of events. */
const maxForeignBytes = 64 * 1024 * 1024

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
    await pipeline(ReadableStream.from(fileLines(run, events)), createGzip(), createWriteStream(temporary))
    await rename(temporary, path)
  }
  catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** The same file in memory. */
export async function runFileBytes(run: Run, events: AsyncIterable<RunEvent>): Promise<Buffer> {
  const packed = new PassThrough()
  const [bytes] = await Promise.all([packed.toArray(), pipeline(ReadableStream.from(fileLines(run, events)), createGzip(), packed)])
  return Buffer.concat(bytes as Buffer[])
}

/** The file's values; `file` is let go of as soon as nobody wants more of them. */
async function* values(file: Readable, maxBytes?: number): AsyncGenerator<unknown> {
  const unzipped = file.pipe(createGunzip())
  file.on('error', error => unzipped.destroy(error))
  try {
    yield* readJsonLines(unzipped, maxBytes)
  }
  catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      throw corrupt('it is no .me2run file, or was damaged on its way')
    throw error
  }
  finally {
    file.destroy()
    unzipped.destroy()
  }
}

async function readHead(from: AsyncGenerator<unknown>): Promise<Run> {
  checkedBy(headerSchema, (await from.next()).value, 'its header')
  return checkedBy(runSchema, (await from.next()).value, 'the run')
}

function isEnd(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'end' in value
}

async function readSaved(from: AsyncGenerator<unknown>): Promise<SavedRun> {
  const run = await readHead(from)
  const events: RunEvent[] = []
  for await (const value of from) {
    if (!isEnd(value)) {
      events.push(checkedBy(runEventSchema, value, 'an event'))
      continue
    }
    const end = checkedBy(endSchema, value, 'its end')
    if (end.events !== events.length)
      throw corrupt(`it has ${events.length} events of ${end.events}`)
    if (!(await from.next()).done)
      throw corrupt('something follows its end')
    return { run, events }
  }
  throw corrupt('its end is missing')
}

/** Throws `run-corrupt` for what is no such file or a damaged one. */
export async function readRunFile(path: string): Promise<SavedRun> {
  return readSaved(values(createReadStream(path)))
}

/** A file from elsewhere, in memory. Throws `run-corrupt`, for what unpacks to more than 64 MiB as well. */
export async function readRunBytes(bytes: Uint8Array): Promise<SavedRun> {
  return readSaved(values(ReadableStream.from([Buffer.from(bytes)]), maxForeignBytes))
}

/** The run without its events. What follows it in the file is not looked at. */
export async function readRunHead(path: string): Promise<Run> {
  const from = values(createReadStream(path))
  try {
    return await readHead(from)
  }
  finally {
    await from.return(undefined)
  }
}
