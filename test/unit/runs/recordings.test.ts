/** The recordings that ship are real races, whole, and nothing was lost in them. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readRunFile } from '../../../electron/services/runs/runFile.ts'
import { groupByRace } from '../../../shared/model/raceGroups.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'resources', 'recordings')
const files = (await readdir(folder)).filter(name => name.endsWith('.me2run'))
const recordings = await Promise.all(files.map(async name => ({ name, ...await readRunFile(join(folder, name)), bytes: (await stat(join(folder, name))).size })))

describe.each(recordings)('the recording $name', ({ name, run, events, bytes }) => {
  it('is at most 1 MB, and named after its run', () => {
    expect(bytes).toBeLessThanOrEqual(1e6)
    expect(name).toBe(`${run.id}.me2run`)
  })

  it('came to its end without loss', () => {
    expect(run.result).toMatchObject({ outcome: 'migrated', problem: null, verify: { differing: 0 }, guestBad: 0, leftovers: [] })
    expect(run.result?.verify?.compared).toBeGreaterThan(10_000)
  })

  it('names host, kernel, Xen and date', () => {
    for (const host of [run.from, run.to])
      expect([host.hostname, host.kernel, host.xen, host.agent].every(text => text !== '')).toBe(true)
    expect(run.startedAt).toMatch(/^20\d\d-/)
  })

  it('replays to what its result says', () => {
    const { figures, sent } = laneOfSaved(run, events)
    const { result } = run
    expect(figures).toMatchObject({ linkBytes: result!.linkBytes, totalMs: result!.totalMs, downtimeMs: result!.downtimeMs, rounds: result!.rounds, verify: result!.verify })
    expect(sent.length).toBeGreaterThan(100)
  })
})

describe('each recorded race', () => {
  const races = groupByRace(recordings.map(({ run }) => ({ id: run.id, source: 'recording', run })))

  it.each(races)('$id has all of its runs, as many of each mode', ({ entries }) => {
    expect(entries).toHaveLength(entries[0]!.run.race?.runs ?? 0)
    const stock = entries.filter(({ run }) => run.settings.mode === 'stock')
    expect(stock).toHaveLength(entries.length / 2)
  })

  it('is of one of the three guests', () => {
    expect(new Set(recordings.map(({ run }) => run.guest.name))).toEqual(new Set(['db', 'idle', 'web']))
  })
})
