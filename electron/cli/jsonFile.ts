/** A file of JSON that the user names, read with a limit. */
import { readFile, stat } from 'node:fs/promises'
import { formatBytes } from '../../shared/model/format.ts'
import { whatIsWrong } from '../../shared/model/whatIsWrong.ts'
import { usage } from './arguments.ts'

export interface JsonFileOptions<Value> {
  /** "a recorded load". */
  what: string
  /** What such a file has in it, for who has another. */
  has: string
  maxBytes: number
  /** Throws for what is not as it must be. */
  parse: (value: unknown) => Value
}

/** Throws `usage` with the place that is wrong. */
export async function readJsonFile<Value>(path: string, { what, has, maxBytes, parse }: JsonFileOptions<Value>): Promise<Value> {
  const refuse = (why: string): Error => usage(`${path} is not ${what}: ${why}.`, has)
  const size = await stat(path).then(file => file.size, () => null)
  if (size === null || size > maxBytes)
    throw refuse(size === null ? 'it cannot be read' : `it is larger than ${formatBytes(maxBytes)}`)
  try {
    return parse(JSON.parse(await readFile(path, 'utf8')))
  }
  catch (error) {
    throw refuse(whatIsWrong(error))
  }
}
