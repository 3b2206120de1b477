/**
 * All saved runs as the screens see them: one's own (runStore.ts), with what the user wrote about them, and the recordings
 * that came with the console, which can be read and nothing else.
 *
 *   createRunLibrary({ own: RunStore, folder, recordingsFolder }): RunLibrary
 *
 * Files, below `folder`: ID/run.json and ID/events.jsonl (runRecorder.ts), ID/about.json (title and note), and .trash/ID
 * for runs that were removed (trash.ts). One run that cannot be read never hides the others.
 */
import type { FileView } from '../../../shared/contract/file.ts'
import type { ExportFormat, ListedRun } from '../../../shared/contract/runs.ts'
import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import type { Recording } from './recordings.ts'
import type { RunStore } from './runStore.ts'
import { Buffer } from 'node:buffer'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'
import { runsCsv } from '../../../shared/model/runsCsv.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'
import { Watched } from '../watched.ts'
import { writeAtomically } from './atomicFile.ts'
import { hasCode, orDiskFull } from './fileErrors.ts'
import { corrupt } from './jsonLines.ts'
import { readRecordings } from './recordings.ts'
import { reportHtml } from './report.ts'
import { readRunBytes, readRunFile, runFileBytes } from './runFile.ts'
import { eventsFileName, runFileName } from './runRecorder.ts'
import { createTrash } from './trash.ts'

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
  /** Oldest first, in batches; those that are written already of a run under way. Throws `run-not-found`, `run-corrupt`. */
  events: (id: string) => AsyncGenerator<RunEvent[]>
  /** Throws `usage` for a recording, `run-not-found`, `disk-full`. */
  describe: (id: string, about: { title: string, note: string }) => Promise<void>
  /** Puts own runs aside, also those that cannot be read. Throws `busy` for one under way, `usage` for a recording. */
  remove: (ids: readonly string[]) => Promise<void>
  /** Brings them back. Throws `run-not-found` when they are gone for good. */
  restore: (ids: readonly string[]) => Promise<void>
  /** One file of the runs: `me2run` takes exactly one, the others at least one. */
  export: (ids: readonly string[], format: ExportFormat, language: 'en' | 'zh') => Promise<FileView>
  /**
   * A .me2run file; returns the run's id. It is checked to its end before anything is written. A run that is here already
   * is not written again, so that no race counts it twice. Throws `run-corrupt`, `disk-full`, and `usage` where another
   * run has its id.
   */
  import: (bytes: Uint8Array) => Promise<string>
  /** A run began or ended elsewhere. */
  changed: () => void
}

const aboutFileName = 'about.json'
const maxAboutBytes = 64 * 1024
const eventBatch = 1000
const idPattern = /^[\w-]{1,80}$/
const aboutSchema = z.object({ title: z.string().max(200).default(''), note: z.string().max(10_000).default('') })
type About = z.infer<typeof aboutSchema>
const nothingSaid: About = { title: '', note: '' }

function notFound(id: string): Me2Error {
  return new Me2Error('run-not-found', `There is no run ${id}.`, 'It may have been removed in another window.')
}

/** What the user wrote; a damaged file says nothing, and the next words replace it. */
async function readAbout(path: string): Promise<About> {
  try {
    if ((await stat(path)).size > maxAboutBytes)
      return nothingSaid
    return aboutSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  }
  catch {
    return nothingSaid
  }
}

function listedRecording(recording: Recording): ListedRun {
  const state = 'run' in recording ? { run: recording.run, problem: null } : { run: null, problem: recording.problem }
  return { id: recording.id, source: 'recording', ...nothingSaid, ...state }
}

/** Digits of a date and time; the id of a run begins with them as well. */
function startedAt({ id, run }: ListedRun): string {
  return (run?.startedAt ?? id).replaceAll(/\D/g, '').slice(0, 14)
}

function refuseFile(error: unknown): never {
  if (!(error instanceof Me2Error))
    throw error
  throw new Me2Error(error.code, error.message, 'Nothing was imported. Export the run once more where it came from.', { cause: error })
}

async function* batches(events: Iterable<RunEvent> | AsyncIterable<RunEvent>): AsyncGenerator<RunEvent[]> {
  let batch: RunEvent[] = []
  for await (const event of events) {
    batch.push(event)
    if (batch.length === eventBatch) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0)
    yield batch
}

function fileOf(name: string, mediaType: string, content: string | Buffer): FileView {
  return { name, mediaType, bytes: new Uint8Array(typeof content === 'string' ? Buffer.from(content, 'utf8') : content) }
}

export function createRunLibrary({ own, folder, recordingsFolder }: RunLibraryOptions): RunLibrary {
  const trash = createTrash(folder)
  const version = new Watched(0)
  const recordings = readRecordings(recordingsFolder)
  trash.empty().catch(() => {})

  const changed = (): void => version.set(version.value + 1)
  const aboutPath = (id: string): string => join(folder, id, aboutFileName)

  async function listOwn(): Promise<ListedRun[]> {
    return Promise.all((await own.list()).map(async (listing): Promise<ListedRun> => {
      const state = 'run' in listing ? { run: listing.run, problem: null } : { run: null, problem: listing.problem }
      return { id: listing.id, source: 'own', ...await readAbout(aboutPath(listing.id)), ...state }
    }))
  }

  async function list(): Promise<ListedRun[]> {
    const recorded = await recordings
    const ownRuns = (await listOwn()).filter(({ id }) => !recorded.has(id))
    return [...ownRuns, ...[...recorded.values()].map(listedRecording)].sort((a, b) => startedAt(b).localeCompare(startedAt(a)))
  }

  async function get(id: string): Promise<ListedRun & { run: Run }> {
    const recording = (await recordings).get(id)
    if (!recording)
      return { id, source: 'own', ...await readAbout(aboutPath(id)), run: await own.read(id), problem: null }
    if ('problem' in recording)
      throw corrupt('the recording is damaged')
    return { ...listedRecording(recording), run: recording.run }
  }

  async function* events(id: string): AsyncGenerator<RunEvent[]> {
    await get(id)
    const recording = (await recordings).get(id)
    yield* batches(recording ? (await readRunFile(recording.path)).events : own.events(id))
  }

  /** Throws unless the user may change or remove it. */
  async function mayChange(id: string): Promise<void> {
    if (!idPattern.test(id))
      throw notFound(id)
    if ((await recordings).has(id))
      throw new Me2Error('usage', 'A recording came with the console and stays as it is.', 'It can be replayed and exported.')
  }

  async function describe(id: string, { title, note }: About): Promise<void> {
    await mayChange(id)
    await own.read(id)
    try {
      await writeAtomically(aboutPath(id), JSON.stringify(aboutSchema.parse({ title, note })))
    }
    catch (error) {
      throw orDiskFull(error, 'title and note are not saved')
    }
    changed()
  }

  async function remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await mayChange(id)
      if (own.isOpen(id))
        throw new Me2Error('busy', `The run ${id} is under way.`, 'Remove it when it has ended.')
    }
    await moveAll(ids, trash.put)
  }

  async function restore(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(mayChange))
    await moveAll(ids, trash.takeBack)
  }

  /** Tells of those that were moved even when one was not. */
  async function moveAll(ids: readonly string[], move: (id: string) => Promise<void>): Promise<void> {
    try {
      for (const id of ids)
        await move(id)
    }
    finally {
      changed()
    }
  }

  async function me2runFile(ids: readonly string[]): Promise<FileView> {
    const [id, ...others] = ids
    if (id === undefined || others.length > 0)
      throw new Me2Error('usage', 'A .me2run file holds one run.', 'Export one run at a time.')
    const { run } = await get(id)
    const recording = (await recordings).get(id)
    return fileOf(`${id}.me2run`, 'application/gzip', recording ? await readFile(recording.path) : await runFileBytes(run, own.events(id)))
  }

  async function reportFile(name: string, ids: readonly string[], language: 'en' | 'zh'): Promise<FileView> {
    const lanes = []
    // One after the other: only what is drawn of a run's events stays in memory.
    for (const id of ids) {
      const { run, source } = await get(id)
      lanes.push({ run, isRecording: source === 'recording', lane: laneOfSaved(run, (await Array.fromAsync(events(id))).flat()) })
    }
    return fileOf(`${name}.html`, 'text/html', reportHtml(lanes, language))
  }

  async function exportRuns(ids: readonly string[], format: ExportFormat, language: 'en' | 'zh'): Promise<FileView> {
    if (format === 'me2run')
      return me2runFile(ids)
    const name = ids.length === 1 ? ids[0]! : `me2-${ids.length}-runs`
    if (format === 'html')
      return reportFile(name, ids, language)
    const runs = (await Promise.all(ids.map(get))).map(({ run }) => run)
    if (format === 'csv')
      return fileOf(`${name}.csv`, 'text/csv', runsCsv(runs))
    return fileOf(`${name}.json`, 'application/json', `${JSON.stringify({ runs }, null, 2)}\n`)
  }

  /** True: the very run is here. Throws where its id is another's. */
  async function isHere(run: Run): Promise<boolean> {
    const recording = (await recordings).get(run.id)
    if (!recording && !await stat(join(folder, run.id)).then(() => true, () => false))
      return false
    if (isDeepStrictEqual(await get(run.id).then(listed => listed.run, () => null), run))
      return true
    throw new Me2Error('usage', `There is another run with the id ${run.id} here.`, 'Remove that one first.')
  }

  async function importRun(bytes: Uint8Array): Promise<string> {
    const { run, events: saved } = await readRunBytes(bytes).catch(refuseFile)
    if (await isHere(run))
      return run.id
    try {
      const building = await trash.workspace(run.id)
      await writeFile(join(building, eventsFileName), saved.map(event => `${JSON.stringify(event)}\n`))
      await writeAtomically(join(building, runFileName), JSON.stringify(run, null, 2))
      await rename(building, join(folder, run.id))
    }
    catch (error) {
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST'))
        return run.id
      throw orDiskFull(error, 'the run was not imported')
    }
    changed()
    return run.id
  }

  return {
    async* watch(signal) {
      for await (const _ of version.follow({ signal }))
        yield await list()
    },
    get,
    events,
    describe,
    remove,
    restore,
    export: exportRuns,
    import: importRun,
    changed,
  }
}
