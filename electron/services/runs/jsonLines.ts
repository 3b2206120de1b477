/** Reads saved JSON: bounded in line length and in total, checked against a schema. What does not fit throws `run-corrupt`. */
import type { z } from 'zod'
import { StringDecoder } from 'node:string_decoder'
import { Me2Error } from '../../../shared/errors.ts'

const maxLineCharacters = 262_144
const mebibyte = 1024 * 1024
/** What is on this machine already. */
const maxSavedBytes = 256 * mebibyte

export function corrupt(what: string): Me2Error {
  return new Me2Error('run-corrupt', `The saved run cannot be read: ${what}.`, 'Other runs are not affected; this one can be deleted.')
}

/** Parses one line; `where` names it in the error. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  }
  catch {
    throw corrupt(`${where} is not JSON`)
  }
}

/** The value as `schema` describes it; `what` names it in the error. */
export function checkedBy<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success)
    return parsed.data
  const path = parsed.error.issues[0]?.path.join('.') ?? ''
  throw corrupt(path === '' ? `${what} is not as expected` : `${what} is not as expected at ${path}`)
}

async function* lines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let totalBytes = 0
  for await (const chunk of chunks) {
    totalBytes += chunk.length
    if (totalBytes > maxBytes)
      throw corrupt(`it is larger than ${maxBytes / mebibyte} MiB`)
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop()!
    if (rest.length > maxLineCharacters)
      throw corrupt('a line is too long')
    yield* parts
  }
}

/** A last line without its newline is one that was being written when the writer died: it is left out. */
export async function* readJsonLines(chunks: AsyncIterable<Buffer>, maxBytes = maxSavedBytes): AsyncGenerator<unknown> {
  let number = 0
  for await (const line of lines(chunks, maxBytes))
    yield parseJson(line, `line ${++number}`)
}
