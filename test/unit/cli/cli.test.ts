import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'
import { frame, introduction, storeRows } from '../disk/diskHost.ts'
import { domain } from '../model/messages.ts'
import { FakeConsole } from './fakeConsole.ts'

let me2: FakeConsole
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-cli-'))
  me2 = new FakeConsole(folder)
})

afterEach(async () => rm(folder, { recursive: true }))

const oneRace = ['race', '--modes', 'stock,me2', '--repeats', '1', '--settle', '0', '--ssh', 'root@hosta', '--ssh', 'root@hostb', '--guest', 'web']

describe('the command line', () => {
  it('tells what it can do', async () => {
    expect(await me2.run('--help')).toBe(0)
    expect(me2.stdout).toContain('race')
    expect(await me2.run('race', '--help')).toBe(0)
    expect(me2.stdout).toContain('--repeats N')
  })

  it.each([
    [[]],
    [['rase']],
    [['lab']],
    [['lab', 'up', 'now']],
    [['runs', 'show']],
    [['race', '--guest', 'web', '--speed', '9']],
    [['race', '--guest', 'web', '--modes', 'stock,warp']],
    [['race', '--guest', 'web', '--modes', 'me2,me2']],
    [['race', '--guest', 'web', '--repeats', '0']],
    [['race', '--guest', 'web', '--rate', '1.5']],
    [['race', '--guest', 'web', '--link', 'carrier-pigeon']],
    [['race', '--guest', 'web', '--encoder', 'zip']],
    [['race', '--guest', 'web', '--preset', 'fastest']],
    [['race', '--guest', 'web', '--preset', 'best', '--encoder', 'rle']],
    [['race', '--guest', 'web', '--preset', 'paper', '--cache', '64']],
    [['race', '--guest', 'web', '--level', '9']],
    [['race', '--guest', 'web', '--encoder', 'zstd', '--level', '20']],
    [['race', '--guest', 'web', '--rates', '10,20']],
    [['race', '--guest', 'web', '--sweep', 'rate']],
    [['race', '--guest', 'web', '--sweep', 'rate,encoder', '--rate', '20']],
    [['race', '--guest', 'web', '--sweep', 'rate,encoder', '--rates', '10,10']],
    [['race', '--guest', 'web', '--sweep', 'rate,encoder', '--rates', '0']],
    [['race', '--guest', 'web', '--sweep', 'rate,encoder', '--encoders', 'rle', '--levels', '3']],
    [['race', '--guest', 'web', '--host', 'hostc']],
    [['race', '--guest', 'web', '--to', 'hosta']],
    [['race', '--guest', 'web', '--to-address', 'over there']],
    [['map', '--guest', 'web', '--lab', 'own']],
  ])('refuses %j as wrong usage, and starts nothing', async (argv) => {
    expect(await me2.run(...argv)).toBe(2)
    expect(me2.stdout).toBe('')
    expect(me2.stderr).not.toBe('')
    expect(await me2.run(...argv, '--json')).toBe(2)
    expect(me2.document).toMatchObject({ error: { code: 'usage' } })
    expect(me2.guests.a.process('migrate')).toBeUndefined()
  })

  it('prints an error as its one document', async () => {
    me2.guests.a.refusal = 'host-key-changed'
    expect(await me2.run('hosts', 'probe', 'a', '--json')).toBe(1)
    expect(me2.document).toEqual({ error: { code: 'host-key-changed', message: 'hosta does not answer.', action: '' } })
    expect(await me2.run('hosts', 'probe', 'a')).toBe(1)
    expect(me2.stderr).toContain('(host-key-changed)')
  })

  it('tells a bug of its own as one, in one document too', async () => {
    me2.status = () => {
      throw new TypeError('oops')
    }
    expect(await me2.run('lab', 'status', '--json')).toBe(1)
    expect(me2.document).toMatchObject({ error: { code: 'internal', message: expect.stringContaining('oops') as string } })
  })
})

describe('race', () => {
  it('prints one document on stdout, and its progress on stderr', async () => {
    expect(await me2.run(...oneRace, '--json')).toBe(0)
    expect(me2.document).toMatchObject({
      guest: { name: 'web' },
      hosts: [{ xen: '4.17.7', agent: '0.1.0' }, {}],
      settings: { encoder: 'rle', link: 'sealed', rateMbit: null, verify: true },
      runs: [
        { mode: 'stock', encoder: null, from: 'root@hosta', to: 'root@hostb', linkBytes: 800, downtimeMs: 700, rounds: [{ pages: 100 }], verify: { differing: 0 }, outcome: 'migrated' },
        { mode: 'me2', encoder: 'rle', from: 'root@hostb', to: 'root@hosta' },
      ],
      ratio: { data: 1, time: 1, downtime: 1, downtimeTransfer: 1 },
    })
    expect(me2.stderr).toContain('Run 1 of 2, stock')
  })

  it('prints a table with the paper\'s averages beside it', async () => {
    expect(await me2.run(...oneRace)).toBe(0)
    expect(me2.stdout).toMatch(/^sent +0\.0 MB +0\.0 MB +1\.00 +0\.50$/m)
    expect(me2.stdout).not.toContain('emulated')
  })

  it('gives a preset, or an encoder with its level and cache, to the agent, and names it', async () => {
    const me2Only = ['race', '--guest', 'web', '--modes', 'me2', '--repeats', '1', '--settle', '0']
    expect(await me2.run(...me2Only, '--preset', 'best')).toBe(0)
    expect(me2.stdout).toContain('ME2 auto (preset best)')
    const best = me2.guests.a.process('migrate')!
    expect([best.option('--encoder'), best.option('--cache'), best.args.includes('--level')]).toEqual(['auto', '64', false])
    expect(await me2.run(...me2Only, '--encoder', 'zstd', '--level', '9', '--cache', '16', '--json')).toBe(0)
    const own = me2.guests.b.process('migrate')!
    expect([own.option('--encoder'), own.option('--cache'), own.option('--level')]).toEqual(['zstd', '16', '9'])
    expect(me2.document).toMatchObject({ settings: { encoder: 'zstd', level: 9, cacheMiB: 16, preset: null } })
  })

  it('finds the guest and the other host of the boxed lab by itself, and says that it is emulated', async () => {
    me2.guests.move(me2.guests.a, me2.guests.b)
    expect(await me2.run('race', '--guest', 'web', '--modes', 'me2', '--repeats', '1', '--settle', '0', '--no-verify', '--rate', '0')).toBe(0)
    expect(me2.stderr).toContain('hostb → hosta')
    expect(me2.stdout).toContain('emulated')
    expect(me2.guests.b.process('migrate')!.args).toContain('--no-verify')
    expect(me2.guests.b.process('migrate')!.args).not.toContain('--rate')
    expect(me2.guests.a.process('heartbeat')!.args).toEqual(['heartbeat', '--port', '7701', '--from', '10.77.0.12'])
  })

  it('brings the boxed lab up where it does not run', async () => {
    me2.labState = 'stopped'
    expect(await me2.run('race')).toBe(2)
    expect(me2.labCalls).toEqual(['up'])
  })

  it('brings up a lab of the size that is asked for, and of no other', async () => {
    me2.labState = 'stopped'
    expect(await me2.run('lab', 'up', '--guest-memory', '300', '--json')).toBe(2)
    expect(me2.document).toMatchObject({ error: { message: expect.stringContaining('256 or 384 or 512 or 768') as string } })
    expect(me2.labCalls).toEqual([])
    await me2.run('lab', 'up', '--guest-memory', '512', '--twin')
    expect(me2.labPlan).toEqual({ ...usualLabPlan, guestMemoryMiB: 512, twin: true })
    await me2.run('lab', 'up')
    expect(me2.labPlan).toEqual(usualLabPlan)
    expect(me2.stdout, 'what it has, whatever was asked for').toMatch(/^web +256 MiB /m)
  })

  it('brings up a lab of the releases that are asked for, for as many hosts as are asked for', async () => {
    me2.labState = 'stopped'
    await me2.run('lab', 'up', '--xen', '4.14,4.20', '--device-model', '--room', '512', '--disks')
    expect(me2.labPlan).toEqual({ ...usualLabPlan, xen: ['4.14', '4.20'], deviceModel: true, roomMiB: 512, disks: true })
    await me2.run('lab', 'up', '--xen', '4.20')
    expect(me2.labPlan?.xen).toEqual(['4.20', '4.20'])
    await me2.run('lab', 'up', '--hosts', '3', '--xen', '4.20')
    expect(me2.labPlan?.xen).toEqual(['4.20', '4.20', '4.20'])
    await me2.run('lab', 'up', '--xen', '4.14,4.17,4.20')
    expect(me2.labPlan?.xen).toEqual(['4.14', '4.17', '4.20'])
    for (const wrong of ['4.13', '4.14,4.17,4.20,4.20', '4.14,', ''])
      expect(await me2.run('lab', 'up', '--xen', wrong), wrong).toBe(2)
    expect(await me2.run('lab', 'up', '--hosts', '3', '--xen', '4.14,4.17')).toBe(2)
  })

  it('names the guests there are', async () => {
    me2.guests.b.domains = [domain('db', 'blocked')]
    expect(await me2.run('race', '--json')).toBe(2)
    expect(me2.document).toMatchObject({ error: { action: expect.stringContaining('web (running on hosta), db (blocked on hostb)') as string } })
    expect(await me2.run('race', '--guest', 'mail', '--json')).toBe(1)
    expect(me2.document).toMatchObject({ error: { code: 'no-domain' } })
  })

  it('fails with the reason, and what the pre-check found, when it may not start', async () => {
    me2.guests.b.probe.freeBytes = 1
    expect(await me2.run(...oneRace, '--json')).toBe(1)
    expect(me2.document).toMatchObject({ runs: [], error: { code: 'precheck-failed' }, prechecks: [{ checks: expect.arrayContaining([expect.objectContaining({ code: 'memory', status: 'error' })]) as unknown }] })
  })

  it('is cancelled by Ctrl-C, and still prints its document', async () => {
    me2.guests.a.scripts.set('migrate', process => process.on({ line: line => line === 'cancel' ? me2.guests.abort(me2.guests.a, me2.guests.b, process) : me2.interrupt() }))
    expect(await me2.run(...oneRace, '--json')).toBe(1)
    expect(me2.document).toMatchObject({ error: { code: 'cancelled' }, runs: [{ outcome: 'aborted' }] })
  })
})

describe('a sweep', () => {
  const oneSweep = ['race', '--sweep', 'rate,encoder', '--rates', '20,none', '--encoders', 'rle,zstd', '--levels', '1,9', '--guest', 'web', '--settle', '0']

  it('prints at each rate what every method took, the fastest, and where that changes', async () => {
    expect(await me2.run(...oneSweep)).toBe(0)
    expect(me2.stdout).toMatch(/^link +stock +ME2 rle +ME2 zstd 1 +ME2 zstd 9 +fastest$/m)
    expect(me2.stdout).toMatch(/^20 Mbit\/s +total time(?: +12\.0 s){4} +stock$/m)
    expect(me2.stdout).toMatch(/^no cap /m)
    expect(me2.stdout).toContain('The same method is the fastest at every rate.')
    expect(me2.stderr).toContain('Run 2 of 8, ME2 rle, 20 Mbit/s, hostb → hosta')
  })

  it('is one document, and its runs are saved as those of one sweep', async () => {
    expect(await me2.run(...oneSweep, '--json')).toBe(0)
    const { sweep } = me2.document
    expect(me2.document).toMatchObject({
      guest: { name: 'web' },
      methods: ['stock', 'rle', 'zstd 1', 'zstd 9'],
      rows: [{ rateMbit: 20, cells: { 'zstd 9': { totalMs: 12_000, timeRatio: 1 } } }, { rateMbit: null }],
      crossovers: [],
    })
    expect(me2.document.runs).toHaveLength(8)
    await me2.run('runs', 'list', '--json')
    const { runs } = me2.document as { runs: { race: string, kind: string }[] }
    expect(runs.every(({ race, kind }) => race === sweep && kind === 'sweep')).toBe(true)
  })

  it('fails when a run did, and keeps the others', async () => {
    me2.guests.b.scripts.set('migrate', process => process.on({ line: () => me2.guests.abort(me2.guests.b, me2.guests.a, process) }))
    expect(await me2.run(...oneSweep)).toBe(1)
    expect(me2.stdout).toContain('not measured')
  })
})

describe('runs', () => {
  it('are listed, shown and handed on', async () => {
    await me2.run(...oneRace)
    expect(await me2.run('runs', 'list', '--json')).toBe(0)
    const { runs } = me2.document as { runs: { id: string, mode: string }[] }
    expect(runs.map(run => run.mode).sort()).toEqual(['me2', 'stock'])
    const { id } = runs[0]!
    expect(await me2.run('runs', 'show', id)).toBe(0)
    expect(me2.stdout).toContain('migrated: web runs on')
    const file = join(folder, 'handed on.me2run')
    expect(await me2.run('runs', 'export', id, file)).toBe(0)
    await me2.run('runs', 'show', id, '--json')
    const shown = me2.document
    expect(await me2.run('runs', 'show', file, '--json')).toBe(0)
    expect(me2.document).toEqual(shown)
  })

  it('that are not there are an error', async () => {
    expect(await me2.run('runs', 'show', 'none', '--json')).toBe(1)
    expect(me2.document).toMatchObject({ error: { code: 'run-not-found' } })
  })
})

describe('map', () => {
  it('counts pages by class, and writes one byte a page', async () => {
    const file = join(folder, 'web.me2map')
    expect(await me2.run('map', '--guest', 'web', '--out', file, '--json')).toBe(0)
    expect(me2.document).toMatchObject({ guest: 'web', host: 'hosta', kernel: '6.1.0-51-amd64', frames: 4 })
    const classes = (me2.document.classes as { id: string, pages: number, bytes: number }[]).filter(({ pages }) => pages > 0)
    expect(classes).toMatchObject([{ id: 'free', pages: 3, bytes: 12_288, share: 0.75 }, { id: 'anon', pages: 1 }])
    const written = await readFile(file)
    expect([...written.subarray(written.indexOf(10) + 1)]).toEqual([1, 1, 1, 3])
    expect(JSON.parse(written.subarray(0, written.indexOf(10)).toString())).toMatchObject({ format: 'me2map', version: 1, frames: 4 })
  })
})

describe('disk map', () => {
  beforeEach(() => {
    me2.guests.a.disks = storeRows.file
    me2.guests.a.diskMap = { stderr: `${JSON.stringify(introduction)}\n`, stdout: frame }
  })

  it('finds the only disk of a guest, and counts its blocks by class', async () => {
    expect(await me2.run('disk', 'map', '--guest', 'web', '--json')).toBe(0)
    expect(me2.guests.a.lookedAt).toEqual(['/dev/loop0'])
    expect(me2.document).toMatchObject({
      host: 'hosta', guest: 'web', path: '/dev/loop0', blockBytes: 4096, blocks: 8, table: 'none',
      disk: { name: 'xvda', path: '/var/lib/web.img', format: 'raw', device: '/dev/loop0', bytes: 32_768 },
      volumes: [{ name: 'disk', kind: 'ext4', state: 'replayed', freeBytes: 16_384 }],
    })
    const classes = (me2.document.classes as { id: string, blocks: number }[]).filter(({ blocks }) => blocks > 0)
    expect(classes).toMatchObject([{ id: 'free', blocks: 4, bytes: 16_384, share: 0.5 }, { id: 'metadata', blocks: 1 }, { id: 'journal', blocks: 1 }, { id: 'data', blocks: 2 }])
  })

  it('prints volumes and classes', async () => {
    expect(await me2.run('disk', 'map', '--guest', 'web', '--disk', 'xvda')).toBe(0)
    expect(me2.stdout).toMatch(/^xvda of web \(\/dev\/loop0\) on hosta: 0\.0 MB, no partition table/)
    expect(me2.stdout).toMatch(/disk +ext4 +replayed/)
    expect(me2.stdout).toMatch(/file data +2 +0\.0 MB +25\.0 %|file data +2 +0\.0 MB +0\.25/)
  })

  it('looks at a path on a host, whatever guest has it', async () => {
    expect(await me2.run('disk', 'map', '--host', 'a', '--path', '/srv/it\'s $(here).img', '--json')).toBe(0)
    expect(me2.guests.a.lookedAt).toEqual(['/srv/it\'s $(here).img'])
    expect(me2.document).toMatchObject({ host: 'hosta', guest: null, disk: null })
  })

  it.each([
    ['several disks and none named', ['--guest', 'web'], 'xvda, xvdb'],
    ['a disk that is not there', ['--guest', 'web', '--disk', 'xvdz'], 'xvda, xvdb'],
    ['a path and a guest', ['--path', '/dev/sda', '--guest', 'web'], '--path'],
    ['a path and no host', ['--path', '/dev/sda'], '--host'],
    ['a relative path', ['--host', 'a', '--path', 'web.img'], 'absolute'],
  ])('is wrong usage with %s', async (_, options, hint) => {
    me2.guests.a.disks = storeRows.file + storeRows.volume
    expect(await me2.run('disk', 'map', ...options)).toBe(2)
    expect(me2.stderr).toContain(hint)
    expect(me2.guests.a.lookedAt).toEqual([])
  })

  it.each([['', 'has no disk'], [storeRows.qcow2, 'qcow2']])('fails with the reason where there is nothing to look into', async (disks, reason) => {
    me2.guests.a.disks = disks
    expect(await me2.run('disk', 'map', '--guest', 'web', '--json')).toBe(1)
    expect(me2.document).toMatchObject({ error: { code: 'not-supported', message: expect.stringContaining(reason) as unknown } })
  })
})

describe('hosts', () => {
  it('of the boxed lab are listed with their guests', async () => {
    expect(await me2.run('hosts', 'list', '--json')).toBe(0)
    expect(me2.document).toMatchObject({ hosts: [{ name: 'hosta', guests: [{ name: 'web' }] }, { name: 'hostb', guests: [] }] })
  })

  it('of the boxed lab are none while it does not run, and it is not started for that', async () => {
    me2.labState = 'stopped'
    expect(await me2.run('hosts', 'list', '--json')).toBe(0)
    expect(me2.document).toEqual({ hosts: [] })
    expect(me2.labCalls).toEqual([])
  })

  it('of one\'s own are kept by name; one that does not answer does not hide the others', async () => {
    expect(await me2.run('hosts', 'add', 'first', 'root@hosta')).toBe(0)
    expect(await me2.run('hosts', 'add', 'second', 'root@nowhere:2222')).toBe(0)
    expect(await me2.run('hosts', 'list', '--lab', 'own', '--json')).toBe(1)
    expect(me2.document).toMatchObject({ hosts: [
      { name: 'first', address: 'root@hosta:22', guests: [{ name: 'web' }] },
      { name: 'second', address: 'root@nowhere:2222', problem: { code: 'host-unreachable' } },
    ] })
    expect(await me2.run('hosts', 'remove', 'second')).toBe(0)
    expect(await me2.run('hosts', 'remove', 'second')).toBe(1)
    expect(await me2.run('hosts', 'add', 'third', '-oProxyCommand=x')).toBe(2)
  })

  it('are probed', async () => {
    expect(await me2.run('hosts', 'probe', 'b', '--json')).toBe(0)
    expect(me2.document).toMatchObject({ name: 'hostb', ready: true, facts: { hostname: 'hostb' } })
    me2.guests.b.probe.problems.push({ code: 'no-xl', severity: 'error', message: 'no xl', action: 'install it' })
    expect(await me2.run('hosts', 'probe', 'hostb')).toBe(1)
    expect(me2.stdout).toContain('no xl. install it.')
  })

  it('get rid of the agent', async () => {
    expect(await me2.run('agent', 'remove', 'a', '--json')).toBe(0)
    expect(me2.document).toEqual({ host: 'hosta', removed: ['/run/me2/agent-0123'] })
  })
})

describe('lab', () => {
  it('goes up and down', async () => {
    expect(await me2.run('lab', 'down', '--json')).toBe(0)
    expect(me2.document).toMatchObject({ state: 'stopped' })
    expect(await me2.run('lab', 'up')).toBe(0)
    expect(me2.stdout).toContain('hosta')
    await me2.run('lab', 'reset', '--image')
    expect(me2.labCalls).toEqual(['down', 'up', 'reset with image'])
  })

  it('puts load on a guest, from 0 to 100 %', async () => {
    expect(await me2.run('lab', 'load', 'web', '--cpu', '45')).toBe(0)
    expect(me2.labCalls).toEqual(['load web 45'])
    expect(await me2.run('lab', 'load', 'web')).toBe(2)
    expect(await me2.run('lab', 'load', 'web', '--cpu', '101')).toBe(2)
    expect(me2.labCalls).toHaveLength(1)
  })
})
