/** The runs on this machine: a folder each under one folder. A run that cannot be read never hides the others. */
import type { Buffer } from 'node:buffer'
import type { Problem } from '../../../shared/errors.ts'
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Me2Error } from '../../../shared/errors.ts'
import { runSchema } from '../../../shared/model/run.ts'
import { runEventSchema } from '../../../shared/model/runEvent.ts'
import { hasCode } from './fileErrors.ts'
import { checkedBy, corrupt, parseJson, readJsonLines } from './jsonLines.ts'
import { writeRunFile } from './runFile.ts'
import { eventsFileName, runFileName, RunRecorder } from './runRecorder.ts'

const maxRunBytes = 4 * 1024 * 1024
const idPattern = /^[\w-]{1,80}$/

/** `run` without a result is one that is under way, or whose console died. */
export type RunListing = { id: string, run: Run } | { id: string, problem: Problem }

export interface RunStore {
  begin: (run: Run) => Promise<RunRecorder>
  /** Newest first. */
  list: () => Promise<RunListing[]>
  /** Throws `run-not-found`, `run-corrupt`. */
  read: (id: string) => Promise<Run>
  events: (id: string) => AsyncIterable<RunEvent>
  /** Writes a .me2run file (runFile.ts). */
  export: (id: string, path: string) => Promise<void>
  /** This console is writing it. */
  isOpen: (id: string) => boolean
}

/** Sorts by time; unique without asking the disk. */
export function newRunId(startedAt: Date, guest: string, mode: string): string {
  const time = startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  const name = guest.replaceAll(/[^\w-]/g, '_').slice(0, 30)
  return `${time}-${name}-${mode}-${randomBytes(3).toString('hex')}`
}

function notFound(id: string): Me2Error {
  return new Me2Error('run-not-found', `There is no run ${id}.`, 'List them with: runs list')
}

/** Undefined if there is no such file. */
async function readBounded(path: string): Promise<Buffer | undefined> {
  try {
    if ((await stat(path)).size > maxRunBytes)
      throw corrupt('run.json is larger than 4 MiB')
    return await readFile(path)
  }
  catch (error) {
    if (hasCode(error, 'ENOENT'))
      return undefined
    throw error
  }
}

export function createRunStore(folder: string): RunStore {
  const folderOf = (id: string): string => {
    if (!idPattern.test(id))
      throw notFound(id)
    return join(folder, id)
  }

  const read = async (id: string): Promise<Run> => {
    const text = await readBounded(join(folderOf(id), runFileName))
    if (text === undefined)
      throw notFound(id)
    return checkedBy(runSchema, parseJson(text.toString('utf8'), 'run.json'), 'run.json')
  }

  const listing = async (id: string): Promise<RunListing> => {
    try {
      return { id, run: await read(id) }
    }
    catch (error) {
      if (!(error instanceof Me2Error))
        throw error
      const problem = error.code === 'run-not-found' ? corrupt('run.json is missing').toProblem() : error.toProblem()
      return { id, problem }
    }
  }

  const list = async (): Promise<RunListing[]> => {
    await mkdir(folder, { recursive: true })
    const entries = await readdir(folder, { withFileTypes: true })
    const ids = entries.filter(entry => entry.isDirectory() && idPattern.test(entry.name)).map(entry => entry.name)
    return Promise.all(ids.sort().reverse().map(listing))
  }

  async function* events(id: string): AsyncGenerator<RunEvent> {
    try {
      for await (const value of readJsonLines(createReadStream(join(folderOf(id), eventsFileName))))
        yield checkedBy(runEventSchema, value, 'an event')
    }
    catch (error) {
      throw hasCode(error, 'ENOENT') ? corrupt('its events are missing') : error
    }
  }

  const open = new Set<string>()

  return {
    begin: async (run) => {
      await mkdir(folder, { recursive: true })
      const recorder = await RunRecorder.begin(folderOf(run.id), run, () => open.delete(run.id))
      open.add(run.id)
      return recorder
    },
    list,
    read,
    events,
    isOpen: id => open.has(id),
    export: async (id, path) => writeRunFile(path, await read(id), events(id)),
  }
}
