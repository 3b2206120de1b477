/**
 * Live migrations on real Xen: the race from the command line at the rate the issue names, a guest there and back under a
 * workload that dirties pages all the time, and guests whose memory management is as hostile as Linux lets it be.
 */
import type { Preset } from '../../shared/model/encoding.ts'
import type { TestLab } from './support/boxedLab.ts'
import type { TestHost } from './support/migrateOnce.ts'
import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { presets } from '../../shared/model/encoding.ts'
import { attempt, blameEmulator, closeLab, eventually, fromWhere, healBeforeRetry, leftOn, openLab, runningCopies } from './support/boxedLab.ts'

const cli = join(import.meta.dirname, '..', '..', 'electron', 'cli.ts')
const soak = process.env.ME2_SOAK === '1'
/** The soak races at the rate of the bars; otherwise so that a run takes half a minute. */
const rateMbit = soak ? '20' : '60'
let testLab: TestLab
let data: string

beforeAll(async () => {
  testLab = await openLab()
  data = await mkdtemp(join(tmpdir(), 'me2-data-'))
})
beforeEach(healBeforeRetry)
afterAll(async () => {
  await closeLab(testLab)
  await rm(data, { recursive: true, force: true })
})

/** What a script that reads `race --json` relies on. */
const raceSchema = z.object({
  runs: z.array(z.object({
    mode: z.string(),
    from: z.string(),
    to: z.string(),
    linkBytes: z.number(),
    totalMs: z.number().nullable(),
    downtimeMs: z.number().nullable(),
    downtimeTransferMs: z.number().nullable(),
    heartbeatGapMs: z.number().nullable(),
    rounds: z.array(z.object({ pages: z.number() })),
    verify: z.object({ compared: z.number(), differing: z.number() }).nullable(),
    guestBad: z.number().nullable(),
    outcome: z.string(),
  })),
  ratio: z.object({ data: z.number(), time: z.number(), downtime: z.number(), downtimeTransfer: z.number() }),
})
type Race = z.infer<typeof raceSchema>

/** One JSON document, as a script would read it. */
async function me2(...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args, '--json'], {
    env: { ...process.env, ME2_DATA_DIR: data },
    maxBuffer: 1 << 24,
  })
  return JSON.parse(stdout)
}

/** Times are printed, not asserted: they depend on what else this machine does. Bytes do not. */
function show(what: string, race: Race): void {
  console.log(`${what}: ratio ${JSON.stringify(race.ratio)}`)
  for (const run of race.runs) {
    const seconds = (ms: number | null): string => ms === null ? '-' : (ms / 1000).toFixed(2)
    console.log(`  ${run.mode} ${run.from}->${run.to} ${(run.linkBytes / 1e6).toFixed(1)} MB in ${seconds(run.totalMs)} s, down ${seconds(run.downtimeMs)} s (transfer ${seconds(run.downtimeTransferMs)}), heartbeat gap ${seconds(run.heartbeatGapMs)} s, rounds ${run.rounds.map(({ pages }) => pages).join('/')}, compared ${run.verify?.compared} differing ${run.verify?.differing}, bad ${run.guestBad}`)
  }
}

function allWell(race: Race): void {
  for (const run of race.runs) {
    expect(run.outcome).toBe('migrated')
    expect(run.verify?.compared).toBeGreaterThan(10_000)
    expect(run.verify?.differing).toBe(0)
    expect(run.guestBad).toBe(0)
  }
}

async function race(guest: string, preset: Preset): Promise<Race> {
  try {
    return raceSchema.parse(await me2('race', '--guest', guest, '--modes', 'stock,me2', '--repeats', soak ? '2' : '1', '--rate', rateMbit, '--preset', preset))
  }
  catch (error) {
    await blameEmulator(testLab, guest)
    throw error
  }
}

describe('the command line on the boxed lab', () => {
  it('probes a host and says what it found', async () => {
    const probe = await me2('hosts', 'probe', 'a')
    expect(JSON.stringify(probe)).toContain('4.17')
  })

  it('maps a guest by page class', async () => {
    const [host] = await fromWhere(testLab, 'web')
    const map = await me2('map', '--host', host.name, '--guest', 'web')
    expect(JSON.stringify(map)).toContain('6.1.')
  })

  /** The bars of data are asserted; db, whose stock run alone takes five minutes, with `npm run soak` only. */
  const bars = [
    { guest: 'web', preset: 'paper', data: 0.40, others: 'time 0.50', inSoakOnly: false },
    { guest: 'db', preset: 'paper', data: 0.50, others: 'time 0.55, downtimeTransfer 0.60', inSoakOnly: true },
    { guest: 'web', preset: 'best', data: 0.18, others: 'time 0.28', inSoakOnly: true },
    { guest: 'db', preset: 'best', data: 0.30, others: 'time 0.35, downtimeTransfer 0.30', inSoakOnly: true },
  ] as const
  for (const { guest, preset, data, others } of bars.filter(({ inSoakOnly }) => soak || !inSoakOnly)) {
    it(`races ${guest} with the preset ${preset} at ${rateMbit} Mbit/s, at most ${data} of stock's data, and keeps the runs`, async () => {
      const measured = await race(guest, preset)
      show(`${guest}, ${preset}, at ${rateMbit} Mbit/s (bars: data ${data}, ${others})`, measured)
      allWell(measured)
      expect(measured.ratio.data).toBeLessThanOrEqual(data)
      const list = await me2('runs', 'list')
      expect(JSON.stringify(list)).toContain(guest)
    })
  }
})

describe('there and back again', () => {
  const times = soak ? 20 : 3
  /** Each way of encoding, and the cap under which it is what decides. */
  const turns = [{ mode: 'me2', encoding: presets.best, rateMbit: 60 }, { mode: 'stock' }, { mode: 'me2', encoding: { encoder: 'zstd', level: 3, cacheMiB: 16 } }, { mode: 'me2' }] as const
  it(`db, ${times} migrations in a row, stock and with several encoders`, async () => {
    for (let index = 0; index < times; index++) {
      const { result } = await attempt(testLab, 'db', turns[index % turns.length])
      console.log(`  ${index + 1}: ${JSON.stringify(turns[index % turns.length])} ${result.outcome}, ${(result.linkBytes / 1e6).toFixed(1)} MB, verify ${JSON.stringify(result.verify)}, bad ${result.guestBad}, swept ${JSON.stringify(result.swept)}`)
      expect(result.outcome, result.summary).toBe('migrated')
      expect(result.verify).toMatchObject({ differing: 0 })
      expect(result.guestBad).toBe(0)
    }
    expect(await runningCopies(testLab, 'db')).toHaveLength(1)
  })
})

/** What Linux can do to a page that looks free. Each is a guest of its own, 160 MB. */
const hostile = [
  { what: 'init_on_free=1: free pages must stay zero', kernel: 'init_on_free=1', settings: '' },
  { what: 'page_poison=1: free pages must keep their pattern', kernel: 'page_poison=1', settings: '' },
  { what: 'heavy allocation and freeing during the migration', kernel: '', settings: 'me2.churn=4000' },
  { what: 'huge pages', kernel: '', settings: 'me2.huge=8' },
  { what: 'a ballooned guest', kernel: '', settings: '', balloonMiB: 128 },
]

async function startGuest(host: TestHost, name: string, kernel: string, settings: string): Promise<void> {
  const { connection } = await host.handle.session()
  const config = [
    `name = "${name}"`,
    'type = "pvh"',
    'kernel = "/boot/vmlinuz"',
    'ramdisk = "/boot/guest.cpio.gz"',
    'memory = 160',
    'vcpus = 1',
    'tsc_mode = "native"',
    'vif = [ "mac=00:16:3e:77:00:99,bridge=xenbr0" ]',
    `extra = "console=hvc0 loglevel=4 mitigations=off ${kernel} me2.address=10.77.0.99/24 me2.memory=32 me2.file=4 me2.hot=8 me2.dirty=200 me2.check=400 me2.contents=text:2,rows:2,pointers:1 me2.heartbeat=239.77.0.1:7799 me2.hosts=${testLab.hosts.map(host => host.linkAddress).join()} ${settings}"`,
    'on_crash = "preserve"',
    '',
  ].join('\n')
  await connection.upload(Buffer.from(config), `/tmp/${name}.cfg`, 0o600)
  // What an earlier guest of that name said must not pass for this one's words.
  await connection.exec(['rm', '-f', `/var/log/xen/console/guest-${name}.log`])
  const { code, stderr } = await connection.exec(['xl', 'create', '-q', `/tmp/${name}.cfg`], { timeoutMs: 180_000 })
  expect(code, stderr).toBe(0)
}

async function consoleOf(host: TestHost, name: string): Promise<string> {
  const { connection } = await host.handle.session()
  const { stdout } = await connection.exec(['sh', '-c', `cat /var/log/xen/console/guest-${name}*.log 2>/dev/null`], { maxBytes: 1 << 22 })
  return stdout.toString()
}

function lastCounters(log: string): { checked: number, bad: number } | null {
  const line = log.split('\n').findLast(each => each.includes('ME2 up=')) ?? ''
  const found = /checked=(\d+) .*bad=(\d+)/.exec(line)
  return found ? { checked: Number(found[1]), bad: Number(found[2]) } : null
}

describe('hostile memory management', () => {
  /** The two that have caught most; all of them in the soak. */
  const chosen = soak ? hostile : hostile.filter(({ what }) => /^(?:init_on_free|heavy)/.test(what))
  for (const [index, { what, kernel, settings, balloonMiB }] of chosen.entries()) {
    it(what, async () => {
      const name = `hostile${index}`
      const [source] = testLab.hosts
      const lab = { ...testLab, guests: [...testLab.guests, { ...testLab.guests[0]!, name, address: '10.77.0.99', heartbeatPort: 7799 }] }
      await startGuest(source, name, kernel, settings)
      try {
        expect(await eventually(async () => lastCounters(await consoleOf(source, name)), counters => counters !== null, 180_000)).not.toBeNull()
        if (balloonMiB !== undefined) {
          const { connection } = await source.handle.session()
          await connection.exec(['xl', 'mem-set', name, String(balloonMiB)], { timeoutMs: 120_000 })
          await sleep(5000)
        }
        const { result } = await attempt(lab, name, { mode: 'me2', encoding: presets[index % 2 ? 'paper' : 'best'] })
        console.log(`  ${what}: ${result.outcome}, ${(result.linkBytes / 1e6).toFixed(1)} MB, verify ${JSON.stringify(result.verify)}, bad ${result.guestBad}, swept ${JSON.stringify(result.swept)}`)
        expect(result.outcome, result.summary).toBe('migrated')
        expect(result.explored, result.notExplored ?? '').not.toBeNull()
        expect(result.verify).toMatchObject({ differing: 0 })
        expect(result.guestBad).toBe(0)
        expect(result.guestCheckedAfter).toBeGreaterThan(0)
      }
      finally {
        for (const host of testLab.hosts) {
          const { connection } = await host.handle.session()
          await connection.exec(['xl', 'destroy', name], { timeoutMs: 120_000 }) // the test's own guest
          expect(await leftOn(host, name)).toEqual([])
        }
      }
    })
  }
})

it('a run file on disk is complete', async () => {
  const list = z.object({ runs: z.array(z.object({ id: z.string() })).min(1) }).parse(await me2('runs', 'list'))
  const id = list.runs[0]!.id
  const file = join(data, 'export.me2run')
  await me2('runs', 'export', id, file)
  expect((await readFile(file)).length).toBeGreaterThan(1000)
  const shown = await me2('runs', 'show', id)
  expect(JSON.stringify(shown)).toContain('rounds')
})
