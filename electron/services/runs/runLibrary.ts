/**
 * All saved runs as the screens see them: one's own (runStore.ts), with what the user wrote about them, and the recordings
 * that came with the console, which can be read and nothing else.
 *
 * Files, below `folder`: ID/run.json and ID/events.jsonl (runRecorder.ts), ID/about.json (title and note), and trash/ID for
 * runs that were removed; those are gone for good a day later. Recordings are .me2run files named after their run's id.
 */
import type { FileView, ListedRun } from '../../../shared/contract/runs.ts'
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import type { SavedRun } from './runFile.ts'
import type { RunStore } from './runStore.ts'
import { Buffer } from 'node:buffer'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'
import { runsCsv } from '../../../shared/model/runsCsv.ts'
import { Watched } from '../watched.ts'
import { writeAtomically } from './atomicFile.ts'
import { reportHtml } from './report.ts'
import { readRunFile } from './runFile.ts'
import { eventsFileName, runFileName } from './runRecorder.ts'
import { newRunId } from './runStore.ts'

export interface RunLibraryOptions {
  own: RunStore
  /** The store's folder. */
  folder: string
  /** Of .me2run files; need not exist. */
  recordingsFolder: string
}

export interface RunLibrary {
  /** All runs, newest first, then again whenever something changed. */
  watch: (signal?: AbortSignal) => AsyncGenerator<ListedRun[]>
  /** Throws `run-not-found`, `run-corrupt`. */
  get: (id: string) => Promise<ListedRun>
  /** Oldest first, in batches. */
  events: (id: string) => AsyncGenerator<RunEvent[]>
  describe: (id: string, about: { title: string, note: string }) => Promise<void>
  remove: (ids: readonly string[]) => Promise<void>
  restore: (ids: readonly string[]) => Promise<void>
  export: (ids: readonly string[], format: 'me2run' | 'csv' | 'html' | 'json', language: 'en' | 'zh') => Promise<FileView>
  /** Returns the run's id; a run that is here already gets another one. Nothing is written for a damaged file. */
  import: (bytes: Uint8Array) => Promise<string>
  /** A run began or ended elsewhere. */
  changed: () => void
}

const aboutFileName = 'about.json'
const trashName = 'trash'
const recordingSuffix = '.me2run'
const eventBatch = 1000
const trashMs = 24 * 60 * 60 * 1000
const idPattern = /^[\w-]{1,80}$/

const aboutSchema = z.object({ title: z.string().max(200).default(''), note: z.string().max(10_000).default('') })

function readOnly(): Me2Error {
  return new Me2Error('usage', 'A recording came with the console and stays as it is.', 'Export it and import the file for one of your own.')
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}

/** What the user wrote; a damaged file says nothing. */
async function readAbout(file: string): Promise<z.infer<typeof aboutSchema>> {
  try {
    return aboutSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  }
  catch {
    return { title: '', note: '' }
  }
}

async function readRecordings(folder: string): Promise<Map<string, SavedRun>> {
  const names = (await readdir(folder).catch(() => [])).filter(name => name.endsWith(recordingSuffix)).sort()
  const read = await Promise.all(names.map(async name => readRunFile(join(folder, name)).catch(() => null)))
  return new Map(read.flatMap(saved => saved ? [[saved.run.id, saved]] : []))
}

function* batches(events: readonly RunEvent[]): Generator<RunEvent[]> {
  for (let first = 0; first < events.length; first += eventBatch)
    yield events.slice(first, first + eventBatch)
}

function file(name: string, mediaType: string, content: string | Uint8Array): FileView {
  return { name, mediaType, bytes: new Uint8Array(typeof content === 'string' ? Buffer.from(content, 'utf8') : content) }
}

export function createRunLibrary({ own, folder, recordingsFolder }: RunLibraryOptions): RunLibrary {
  const trash = join(folder, trashName)
  const version = new Watched(0)
  const changed = (): void => version.set(version.value + 1)
  /** The product's own files: read once. */
  const recordings = readRecordings(recordingsFolder)

  async function emptyTrash(): Promise<void> {
    for (const name of await readdir(trash).catch(() => [])) {
      const { mtimeMs } = await stat(join(trash, name))
      if (Date.now() - mtimeMs > trashMs)
        await rm(join(trash, name), { recursive: true, force: true })
    }
  }
  emptyTrash().catch(() => {})

  async function listOwn(): Promise<ListedRun[]> {
    const listed = (await own.list()).filter(({ id }) => id !== trashName)
    return Promise.all(listed.map(async (entry): Promise<ListedRun> => {
      const about = await readAbout(join(folder, entry.id, aboutFileName))
      return 'run' in entry
        ? { id: entry.id, source: 'own', ...about, run: entry.run, problem: null }
        : { id: entry.id, source: 'own', ...about, run: null, problem: entry.problem }
    }))
  }

  async function list(): Promise<ListedRun[]> {
    const recorded = [...(await recordings).values()].map(({ run }): ListedRun => ({ id: run.id, source: 'recording', title: '', note: '', run, problem: null }))
    const startedAt = ({ id, run }: ListedRun): string => run?.startedAt ?? id
    return [...await listOwn(), ...recorded].sort((a, b) => startedAt(b).localeCompare(startedAt(a)))
  }

  async function get(id: string): Promise<ListedRun> {
    const recorded = (await recordings).get(id)
    if (recorded)
      return { id, source: 'recording', title: '', note: '', run: recorded.run, problem: null }
    const run = await own.read(id)
    return { id, source: 'own', ...await readAbout(join(folder, id, aboutFileName)), run, problem: null }
  }

  async function* events(id: string): AsyncGenerator<RunEvent[]> {
    const recorded = (await recordings).get(id)
    if (recorded) {
      yield* batches(recorded.events)
      return
    }
    await own.read(id)
    let batch: RunEvent[] = []
    for await (const event of own.events(id)) {
      batch.push(event)
      if (batch.length === eventBatch) {
        yield batch
        batch = []
      }
    }
    if (batch.length > 0)
      yield batch
  }

  /** Throws for a recording, and for a run that is not there; one that cannot be read may still be moved. */
  async function ownFolder(id: string): Promise<string> {
    if ((await recordings).has(id))
      throw readOnly()
    if (!idPattern.test(id) || id === trashName)
      throw new Me2Error('run-not-found', `There is no run ${id}.`)
    return join(folder, id)
  }

  async function move(ids: readonly string[], from: string, to: string): Promise<void> {
    await mkdir(to, { recursive: true })
    for (const id of ids) {
      await ownFolder(id)
      try {
        await rename(join(from, id), join(to, id))
        await utimes(join(to, id), new Date(), new Date())
      }
      catch (error) {
        if (!isMissing(error))
          throw error
        throw new Me2Error('run-not-found', `There is no run ${id}.`, 'It may have been removed in another window.')
      }
    }
    changed()
  }

  async function readRuns(ids: readonly string[]): Promise<Run[]> {
    return Promise.all(ids.map(async id => (await get(id)).run!))
  }

  async function exportFile(id: string): Promise<FileView> {
    const { source } = await get(id)
    const name = `${id}${recordingSuffix}`
    if (source === 'recording')
      return file(name, 'application/gzip', await readFile(join(recordingsFolder, name)))
    const scratch = await mkdtemp(join(tmpdir(), 'me2-export-'))
    try {
      await own.export(id, join(scratch, name))
      return file(name, 'application/gzip', await readFile(join(scratch, name)))
    }
    finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  async function exportRuns(ids: readonly string[], format: 'me2run' | 'csv' | 'html' | 'json', language: 'en' | 'zh'): Promise<FileView> {
    if (format === 'me2run') {
      if (ids.length !== 1)
        throw new Me2Error('usage', 'A .me2run file holds one run.', 'Export one run at a time.')
      return exportFile(ids[0]!)
    }
    const listed = await Promise.all(ids.map(get))
    const runs = await readRuns(ids)
    const name = ids.length === 1 ? ids[0]! : `me2-${runs.length}-runs`
    if (format === 'csv')
      return file(`${name}.csv`, 'text/csv', runsCsv(runs))
    if (format === 'json')
      return file(`${name}.json`, 'application/json', `${JSON.stringify({ runs }, null, 2)}\n`)
    const withEvents = await Promise.all(listed.map(async ({ id, source, run }) => ({ run: run!, isRecording: source === 'recording', events: (await Array.fromAsync(events(id))).flat() })))
    return file(`${name}.html`, 'text/html', reportHtml(withEvents, language))
  }

  async function freeId(run: Run): Promise<string> {
    const taken = (await recordings).has(run.id) || await stat(join(folder, run.id)).then(() => true, () => false)
    return taken ? newRunId(new Date(run.startedAt), run.guest.name, run.settings.mode) : run.id
  }

  /** Read to its end and checked before anything is written; written beside and renamed. */
  async function importRun(bytes: Uint8Array): Promise<string> {
    const scratch = await mkdtemp(join(tmpdir(), 'me2-import-'))
    try {
      await writeFile(join(scratch, 'run'), bytes)
      const { run, events: saved } = await readRunFile(join(scratch, 'run'))
      const id = await freeId(run)
      const building = join(folder, trashName, `${id}.new`)
      await mkdir(building, { recursive: true })
      await writeFile(join(building, eventsFileName), saved.map(event => `${JSON.stringify(event)}\n`).join(''))
      await writeAtomically(join(building, runFileName), JSON.stringify({ ...run, id }, null, 2))
      await rename(building, join(folder, id))
      changed()
      return id
    }
    catch (error) {
      throw isFull(error) ? new Me2Error('disk-full', 'The disk is full: the run was not imported.', 'Make room on this machine.', { cause: error }) : error
    }
    finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  return {
    watch: async function* (signal) {
      for await (const _ of version.follow({ signal }))
        yield await list()
    },
    get,
    events,
    describe: async (id, { title, note }) => {
      const target = await ownFolder(id)
      await own.read(id)
      await writeAtomically(join(target, aboutFileName), JSON.stringify(aboutSchema.parse({ title, note })))
      changed()
    },
    remove: async ids => move(ids, folder, trash),
    restore: async ids => move(ids, trash, folder),
    export: exportRuns,
    import: importRun,
    changed,
  }
}
