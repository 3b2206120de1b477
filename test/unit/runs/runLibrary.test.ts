import type { RunLibrary } from '../../../electron/services/runs/runLibrary.ts'
import type { RunStore } from '../../../electron/services/runs/runStore.ts'
import type { ListedRun } from '../../../shared/contract/runs.ts'
import type { FinishedRun } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { Buffer } from 'node:buffer'
import { access, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { writeRunFile } from '../../../electron/services/runs/runFile.ts'
import { createRunLibrary } from '../../../electron/services/runs/runLibrary.ts'
import { createRunStore } from '../../../electron/services/runs/runStore.ts'
import { progressMessage } from '../model/messages.ts'
import { finishedRun } from '../model/runs.ts'

let root: string
let folder: string
let recordingsFolder: string
let own: RunStore
let library: RunLibrary

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'me2-library-'))
  folder = join(root, 'runs')
  recordingsFolder = join(root, 'recordings')
  await mkdir(recordingsFolder)
  open()
})

afterEach(async () => {
  await rm(root, { recursive: true })
})

/** As a console that starts. */
function open(): void {
  own = createRunStore(folder)
  library = createRunLibrary({ own, folder, recordingsFolder })
}

const events: RunEvent[] = [
  { atMs: 0, from: 'console', phase: 'connect' },
  { atMs: 1000, from: 'source', message: progressMessage() },
  { atMs: 1500, from: 'source', message: progressMessage({ linkBytes: 900, pages: 150 }) },
]

function runOf(id: string, startedAt = '2026-11-22T21:51:00.000Z'): FinishedRun {
  return finishedRun({ run: { id, startedAt } })
}

async function saveRun(run: FinishedRun): Promise<void> {
  const recorder = await own.begin({ ...run, result: null })
  events.forEach(event => recorder.append(event))
  await recorder.finish(run.result)
}

async function* given(values: readonly RunEvent[]): AsyncGenerator<RunEvent> {
  yield* values
}

/** They are looked at when a console starts. */
async function addRecording(run: FinishedRun, its = events): Promise<void> {
  await writeRunFile(join(recordingsFolder, `${run.id}.me2run`), run, given(its))
  open()
}

async function list(): Promise<ListedRun[]> {
  const lists = library.watch()
  const first = await lists.next()
  await lists.return(undefined)
  if (first.done === true)
    throw new Error('The list ended.')
  return first.value
}

async function ids(): Promise<string[]> {
  return (await list()).map(({ id }) => id)
}

async function fileOf(id: string): Promise<Buffer> {
  return Buffer.from((await library.export([id], 'me2run', 'en')).bytes)
}

const sent = runOf('20260101-000000-web-stock-aaaaaa')

describe('the list', () => {
  it('has own runs and recordings, newest first, and says which is which', async () => {
    await saveRun(runOf('a', '2026-01-01T00:00:00.000Z'))
    await addRecording(runOf('b', '2026-01-02T00:00:00.000Z'))
    await saveRun(runOf('c', '2026-01-03T00:00:00.000Z'))
    expect((await list()).map(({ id, source }) => [id, source])).toEqual([['c', 'own'], ['b', 'recording'], ['a', 'own']])
  })

  it('has what cannot be read at its own time, which its id tells', async () => {
    await saveRun(runOf('20260101-000000-web-stock-aaaaaa', '2026-01-01T00:00:00.000Z'))
    await mkdir(join(folder, '20260102-000000-web-me2-bbbbbb'))
    await saveRun(runOf('20260103-000000-web-stock-cccccc', '2026-01-03T00:00:00.000Z'))
    expect(await ids()).toEqual(['20260103-000000-web-stock-cccccc', '20260102-000000-web-me2-bbbbbb', '20260101-000000-web-stock-aaaaaa'])
  })

  it('shows what cannot be read beside the others, recordings included', async () => {
    await saveRun(sent)
    await mkdir(join(folder, 'cut'))
    await writeFile(join(folder, 'cut', 'run.json'), '{"schema":1,')
    await writeFile(join(recordingsFolder, 'torn file.me2run'), 'PK')
    open()
    const listed = await list()
    expect(listed).toHaveLength(3)
    expect(listed.find(({ id }) => id === 'cut')).toMatchObject({ source: 'own', run: null, problem: { code: 'run-corrupt' } })
    expect(listed.find(({ id }) => id === 'torn_file')).toMatchObject({ source: 'recording', run: null, problem: { code: 'run-corrupt' } })
    expect(listed.find(({ id }) => id === sent.id)).toMatchObject({ problem: null })
  })

  it('does without a folder of recordings', async () => {
    await rm(recordingsFolder, { recursive: true })
    open()
    expect(await list()).toEqual([])
    await mkdir(recordingsFolder)
  })

  it('comes again whenever something changed, runs of the recorder included', async () => {
    const lists = library.watch()
    expect((await lists.next()).value).toEqual([])
    await saveRun(sent)
    library.changed()
    expect((await lists.next()).value).toMatchObject([{ id: sent.id, title: '' }])
    await library.describe(sent.id, { title: 'First', note: '' })
    expect((await lists.next()).value).toMatchObject([{ id: sent.id, title: 'First' }])
    await library.remove([sent.id])
    expect((await lists.next()).value).toEqual([])
    await lists.return(undefined)
  })
})

describe('events', () => {
  it('are the same of an own run and a recording', async () => {
    await saveRun(sent)
    await addRecording(runOf('recorded'))
    expect((await Array.fromAsync(library.events(sent.id))).flat()).toEqual(events)
    expect((await Array.fromAsync(library.events('recorded'))).flat()).toEqual(events)
  })

  it('come in batches, so that nobody waits for the last one', async () => {
    const many = Array.from({ length: 2500 }, (_, atMs): RunEvent => ({ atMs, from: 'console', note: 'x' }))
    await addRecording(runOf('many'), many)
    expect((await Array.fromAsync(library.events('many'))).map(batch => batch.length)).toEqual([1000, 1000, 500])
  })

  it('that are missing or damaged are told as that', async () => {
    await saveRun(sent)
    await rm(join(folder, sent.id, 'events.jsonl'))
    await expect(Array.fromAsync(library.events(sent.id))).rejects.toMatchObject({ code: 'run-corrupt' })
    await expect(Array.fromAsync(library.events('none'))).rejects.toMatchObject({ code: 'run-not-found' })
  })
})

describe('title and note', () => {
  it('are kept beside the run, over a restart', async () => {
    await saveRun(sent)
    await library.describe(sent.id, { title: 'For the class', note: 'two\nlines' })
    open()
    expect(await library.get(sent.id)).toMatchObject({ title: 'For the class', note: 'two\nlines', run: sent })
  })

  it('that were damaged hide nothing and can be written again', async () => {
    await saveRun(sent)
    await writeFile(join(folder, sent.id, 'about.json'), '{"title":')
    expect(await library.get(sent.id)).toMatchObject({ title: '', run: { id: sent.id } })
    await library.describe(sent.id, { title: 'Again', note: '' })
    expect(await library.get(sent.id)).toMatchObject({ title: 'Again' })
  })

  it('are not for recordings, nor for what is no run', async () => {
    await addRecording(sent)
    await expect(library.describe(sent.id, { title: 'x', note: '' })).rejects.toMatchObject({ code: 'usage' })
    await expect(library.describe('none', { title: 'x', note: '' })).rejects.toMatchObject({ code: 'run-not-found' })
    await expect(library.describe('../runs', { title: 'x', note: '' })).rejects.toMatchObject({ code: 'run-not-found' })
  })
})

describe('removing', () => {
  it('can be undone, title and all, over a restart', async () => {
    await saveRun(sent)
    await library.describe(sent.id, { title: 'Kept', note: '' })
    await library.remove([sent.id])
    open()
    expect(await ids()).toEqual([])
    await library.restore([sent.id])
    expect(await library.get(sent.id)).toMatchObject({ title: 'Kept', run: sent })
    expect((await Array.fromAsync(library.events(sent.id))).flat()).toEqual(events)
  })

  it('takes what cannot be read as well', async () => {
    await mkdir(join(folder, 'cut'), { recursive: true })
    await library.remove(['cut'])
    expect(await ids()).toEqual([])
  })

  it('leaves recordings, runs under way and everything outside alone', async () => {
    await addRecording(runOf('recorded'))
    const recorder = await own.begin({ ...sent, result: null })
    await saveRun(runOf('other'))
    await expect(library.remove(['recorded'])).rejects.toMatchObject({ code: 'usage' })
    await expect(library.remove(['other', sent.id])).rejects.toMatchObject({ code: 'busy' })
    await expect(library.remove(['..'])).rejects.toMatchObject({ code: 'run-not-found' })
    await expect(library.remove(['none'])).rejects.toMatchObject({ code: 'run-not-found' })
    expect((await ids()).sort()).toEqual([sent.id, 'other', 'recorded'].sort())
    await recorder.finish(sent.result)
    await library.remove([sent.id])
  })

  it('is for good a day later, and not before', async () => {
    await saveRun(runOf('old'))
    await saveRun(runOf('fresh'))
    await library.remove(['old', 'fresh'])
    const twoDaysAgo = new Date(Date.now() - 48 * 3_600_000)
    await utimes(join(folder, '.trash', 'old'), twoDaysAgo, twoDaysAgo)
    open()
    await vi.waitFor(async () => expect(await readdir(join(folder, '.trash'))).toEqual(['fresh']))
    await expect(library.restore(['old'])).rejects.toMatchObject({ code: 'run-not-found' })
    await library.restore(['fresh'])
    expect(await ids()).toEqual(['fresh'])
  })

  it('of a run that is much older than a day can still be undone after a restart', async () => {
    await saveRun(sent)
    const longAgo = new Date('2020-01-01')
    await utimes(join(folder, sent.id), longAgo, longAgo)
    await library.remove([sent.id])
    open()
    await list()
    await library.restore([sent.id])
    expect(await ids()).toEqual([sent.id])
  })

  it('is not undone over a run that came back otherwise', async () => {
    await saveRun(sent)
    const bytes = await fileOf(sent.id)
    await library.remove([sent.id])
    await library.import(bytes)
    await expect(library.restore([sent.id])).rejects.toMatchObject({ code: 'usage' })
    expect(await library.get(sent.id)).toMatchObject({ run: sent })
  })
})

describe('a .me2run file', () => {
  it('that was exported is imported as the same run', async () => {
    await saveRun(sent)
    const bytes = await fileOf(sent.id)
    await library.remove([sent.id])
    expect(await library.import(bytes)).toBe(sent.id)
    expect(await library.get(sent.id)).toMatchObject({ source: 'own', run: sent })
    expect((await Array.fromAsync(library.events(sent.id))).flat()).toEqual(events)
  })

  it('of a recording is the recording\'s own file', async () => {
    await addRecording(sent)
    expect(await fileOf(sent.id)).toEqual(await readFile(join(recordingsFolder, `${sent.id}.me2run`)))
  })

  it('of a run that is here is not written again, so that no race counts it twice', async () => {
    await saveRun(sent)
    await addRecording(runOf('recorded'))
    await library.describe(sent.id, { title: 'Mine', note: '' })
    expect(await library.import(await fileOf(sent.id))).toBe(sent.id)
    expect(await library.import(await fileOf('recorded'))).toBe('recorded')
    expect(await ids()).toHaveLength(2)
    expect(await library.get(sent.id)).toMatchObject({ title: 'Mine' })
  })

  it('never replaces another run of the same id', async () => {
    await saveRun(sent)
    const bytes = await fileOf(sent.id)
    await library.remove([sent.id])
    await saveRun(finishedRun({ run: { id: sent.id }, result: { linkBytes: 1 } }))
    await expect(library.import(bytes)).rejects.toMatchObject({ code: 'usage' })
    expect((await library.get(sent.id)).run?.result?.linkBytes).toBe(1)
  })

  it('that is damaged leaves nothing behind', async () => {
    await saveRun(sent)
    const bytes = await fileOf(sent.id)
    await library.remove([sent.id])
    const lines = gunzipSync(bytes).toString().split('\n')
    const packed = (...changed: string[]): Buffer => gzipSync(changed.join('\n'))
    const damages: readonly [string, Uint8Array][] = [
      ['empty', new Uint8Array()],
      ['not gzip', Buffer.from('{}')],
      ['cut', bytes.subarray(0, bytes.length - 12)],
      ['wrong JSON', packed('{', ...lines.slice(1))],
      ['another version', packed('{"format":"me2run","version":2}', ...lines.slice(1))],
      ['only its header', packed(lines[0]!, '')],
      ['no run', packed(lines[0]!, '{}', ...lines.slice(2))],
      ['an id that is a path', packed(lines[0]!, lines[1]!.replace(sent.id, '../../etc'), ...lines.slice(2))],
      ['an event lost', packed(...lines.slice(0, 3), ...lines.slice(4))],
      ['no end', packed(...lines.slice(0, -2), '')],
      ['something after its end', packed(...lines.slice(0, -1), '{}', '')],
      ['an event of no kind', packed(...lines.slice(0, 2), '{"atMs":0,"from":"page","hex":"00"}', ...lines.slice(3))],
    ]
    for (const [what, damage] of damages)
      await expect(library.import(damage), what).rejects.toMatchObject({ code: 'run-corrupt' })
    expect(await ids()).toEqual([])
  })

  it('that unpacks to far more than a run is given up early', async () => {
    await saveRun(sent)
    const head = gunzipSync(await fileOf(sent.id)).toString().split('\n').slice(0, 2).join('\n')
    const event = `${JSON.stringify({ atMs: 1, from: 'console', note: 'x'.repeat(4000) })}\n`
    const bomb = gzipSync(Buffer.concat([Buffer.from(`${head}\n`.replace(sent.id, 'bomb')), Buffer.alloc(70 * 1024 * 1024, event)]))
    expect(bomb.length).toBeLessThan(1024 * 1024)
    await expect(library.import(bomb)).rejects.toMatchObject({ code: 'run-corrupt', message: expect.stringContaining('64 MiB') as string })
    const oneLine = gzipSync(Buffer.alloc(70 * 1024 * 1024, 'x'))
    await expect(library.import(oneLine)).rejects.toMatchObject({ code: 'run-corrupt' })
  })

  it('keeps only what a run may hold', async () => {
    await saveRun(sent)
    const text = gunzipSync(await fileOf(sent.id)).toString().replaceAll(sent.id, 'smuggled').replace('"atMs":0,', '"atMs":0,"page":"c2VjcmV0",')
    await library.import(gzipSync(text))
    expect(await readFile(join(folder, 'smuggled', 'events.jsonl'), 'utf8')).not.toContain('c2VjcmV0')
  })

  it('whose import the console did not survive shows no half run, and can be imported again', async () => {
    await saveRun(sent)
    const bytes = await fileOf(sent.id)
    await library.remove([sent.id])
    await mkdir(join(folder, '.trash', `${sent.id}.new`))
    await writeFile(join(folder, '.trash', `${sent.id}.new`, 'events.jsonl'), 'half a li')
    open()
    expect(await ids()).toEqual([])
    await library.import(bytes)
    expect((await Array.fromAsync(library.events(sent.id))).flat()).toEqual(events)
    await expect(access(join(folder, '.trash', `${sent.id}.new`))).rejects.toThrow('ENOENT')
  })

  it('is of one run', async () => {
    await expect(library.export(['a', 'b'], 'me2run', 'en')).rejects.toMatchObject({ code: 'usage' })
    await expect(library.export(['none'], 'me2run', 'en')).rejects.toMatchObject({ code: 'run-not-found' })
  })
})

describe('other exports', () => {
  it('hold all runs that were asked for', async () => {
    await saveRun(sent)
    await addRecording(runOf('recorded'))
    const both = [sent.id, 'recorded']
    const text = async (format: 'csv' | 'json' | 'html'): Promise<string> => Buffer.from((await library.export(both, format, 'en')).bytes).toString()
    expect(await text('csv')).toContain('recorded,race-1')
    expect(JSON.parse(await text('json'))).toMatchObject({ runs: [{ id: sent.id }, { id: 'recorded' }] })
    expect((await text('html')).match(/<section>/g)).toHaveLength(2)
  })

  it('say which run cannot be read', async () => {
    await mkdir(join(folder, 'cut'), { recursive: true })
    await writeFile(join(folder, 'cut', 'run.json'), '[]')
    await expect(library.export(['cut'], 'csv', 'en')).rejects.toMatchObject({ code: 'run-corrupt' })
  })
})
