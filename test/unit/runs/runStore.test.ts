import type { Run } from '../../../shared/model/run.ts'
import type { RunEvent } from '../../../shared/model/runEvent.ts'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readRunFile } from '../../../electron/services/runs/runFile.ts'
import { createRunStore, newRunId } from '../../../electron/services/runs/runStore.ts'
import { progressMessage } from '../model/messages.ts'
import { finishedRun } from '../model/runs.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-runs-'))
})

afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

const { result, ...rest } = finishedRun()
const begun: Run = { ...rest, result: null }
const events: RunEvent[] = [
  { atMs: 0, from: 'console', phase: 'prepare' },
  { atMs: 12, from: 'source', message: progressMessage() },
  { atMs: 13, from: 'console', note: 'hosta does not answer' },
]

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const collected: Value[] = []
  for await (const value of values)
    collected.push(value)
  return collected
}

async function saveRun(id = begun.id) {
  const store = createRunStore(folder)
  const recorder = await store.begin({ ...begun, id })
  events.forEach(event => recorder.append(event))
  await recorder.finish(result)
  return store
}

describe('a run being recorded', () => {
  it('is read back as it was, with its events in order', async () => {
    const store = await saveRun()
    expect(await store.read(begun.id)).toEqual(finishedRun())
    expect(await collect(store.events(begun.id))).toEqual(events)
  })

  it('is there from its beginning, without a result', async () => {
    const store = createRunStore(folder)
    const recorder = await store.begin(begun)
    expect(await store.list()).toEqual([{ id: begun.id, run: begun }])
    await recorder.finish(result)
  })

  it('has its events on disk a second later, so that a crash loses no more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const store = createRunStore(folder)
    const recorder = await store.begin(begun)
    events.forEach(event => recorder.append(event))
    await vi.advanceTimersByTimeAsync(1000)
    await vi.waitFor(async () => expect(await collect(store.events(begun.id))).toEqual(events))
    await recorder.finish(result)
  })

  it('leaves no temporary files', async () => {
    await saveRun()
    expect((await readdir(join(folder, begun.id))).sort()).toEqual(['events.jsonl', 'run.json'])
  })

  it('never writes into a folder that is there already', async () => {
    const store = await saveRun()
    await expect(store.begin(begun)).rejects.toThrow('EEXIST')
  })
})

describe('the list of runs', () => {
  it('is empty at first', async () => {
    expect(await createRunStore(join(folder, 'new')).list()).toEqual([])
  })

  it('shows what cannot be read as that, with the reason, beside the others', async () => {
    const store = await saveRun('20260101-000000-web-me2-aaaaaa')
    await mkdir(join(folder, '20260102-000000-half'))
    await mkdir(join(folder, '20260103-000000-cut'))
    await writeFile(join(folder, '20260103-000000-cut', 'run.json'), '{"schema":1,')
    await mkdir(join(folder, '20260104-000000-alien'))
    await writeFile(join(folder, '20260104-000000-alien', 'run.json'), '{"schema":99}')
    await writeFile(join(folder, 'notes.txt'), 'not a run')
    expect(await store.list()).toMatchObject([
      { id: '20260104-000000-alien', problem: { code: 'run-corrupt', message: expect.stringContaining('schema') as string } },
      { id: '20260103-000000-cut', problem: { code: 'run-corrupt', message: expect.stringContaining('not JSON') as string } },
      { id: '20260102-000000-half', problem: { code: 'run-corrupt', message: expect.stringContaining('missing') as string } },
      { id: '20260101-000000-web-me2-aaaaaa', run: { settings: { mode: 'stock' } } },
    ])
  })

  it('does not find runs outside its folder', async () => {
    const store = await saveRun()
    await expect(store.read('../run')).rejects.toMatchObject({ code: 'run-not-found' })
    await expect(store.read('20260101-none')).rejects.toMatchObject({ code: 'run-not-found' })
  })
})

describe('events', () => {
  const eventsFile = () => join(folder, begun.id, 'events.jsonl')

  it('lose only a last line that was being written', async () => {
    const store = await saveRun()
    await appendFile(eventsFile(), '{"atMs":14,"fro')
    expect(await collect(store.events(begun.id))).toEqual(events)
  })

  it('are refused when a line within them is damaged', async () => {
    const store = await saveRun()
    await appendFile(eventsFile(), 'garbage\n')
    await expect(collect(store.events(begun.id))).rejects.toMatchObject({ code: 'run-corrupt', message: expect.stringContaining('line 4') as string })
  })

  it('are bounded in the length of a line', async () => {
    const store = await saveRun()
    await appendFile(eventsFile(), 'x'.repeat(300_000))
    await expect(collect(store.events(begun.id))).rejects.toMatchObject({ code: 'run-corrupt' })
  })
})

describe('a .me2run file', () => {
  const exported = () => join(folder, 'web.me2run')

  async function exportRun(): Promise<Buffer> {
    await (await saveRun()).export(begun.id, exported())
    return readFile(exported())
  }

  it('holds the run and its events', async () => {
    await exportRun()
    expect(await readRunFile(exported())).toEqual({ run: finishedRun(), events })
  })

  it('is told when it was cut short, damaged, or is something else', async () => {
    const bytes = await exportRun()
    const lines = gunzipSync(bytes).toString().split('\n')
    const damages = [
      bytes.subarray(0, bytes.length - 20),
      Buffer.from('PK'),
      gzipSync(lines.slice(0, 3).join('\n')),
      gzipSync([...lines.slice(0, 3), ...lines.slice(4)].join('\n')),
      gzipSync(lines.join('\n').replace('"version":1', '"version":2')),
      gzipSync(lines.join('\n').replace('"stock"', '"warp"')),
    ]
    for (const damage of damages) {
      await writeFile(exported(), damage)
      await expect(readRunFile(exported())).rejects.toMatchObject({ code: 'run-corrupt' })
    }
  })

  it('does not appear where there is no such run', async () => {
    const store = createRunStore(folder)
    await expect(store.export('20260101-none', exported())).rejects.toMatchObject({ code: 'run-not-found' })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('the id of a run', () => {
  it('sorts by time and is a safe folder name, whatever the guest is called', () => {
    const id = newRunId(new Date('2026-11-22T21:51:09.500Z'), '../we b$', 'me2')
    expect(id).toMatch(/^20261122-215109-___we_b_-me2-[0-9a-f]{6}$/)
  })
})
