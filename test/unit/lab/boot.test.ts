import type { RunOnHost } from '../../../electron/services/lab/types.ts'
import type { LabPlan } from '../../../shared/model/labPlan.ts'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cableEnds, hubArguments } from '../../../electron/services/lab/cable.ts'
import { readGuests } from '../../../electron/services/lab/guests.ts'
import { ageingSeconds, parseCrashed, parseDomainNames, startMissingGuests } from '../../../electron/services/lab/guestStart.ts'
import { identify } from '../../../electron/services/lab/processes.ts'
import { qemuArguments } from '../../../electron/services/lab/qemu.ts'
import { readSerial, waitUntilReady } from '../../../electron/services/lab/readiness.ts'
import { knownHosts } from '../../../electron/services/lab/seed.ts'
import { parseAvailableBytes, requireDisk, requireMemory } from '../../../electron/services/lab/space.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'me2-boot-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a host\'s serial line', () => {
  it('tells a host that boots, is ready, or will never be', () => {
    expect(readSerial('(XEN) Xen version 4.17\r\n')).toBe('booting')
    expect(readSerial('Done setting up Dom0\r\nLAB-READY hosta\r\n')).toBe('ready')
    expect(readSerial('LAB-FAILED network modules\r\n')).toBe('failed')
    expect(readSerial('[    1.0] Kernel panic - not syncing: VFS\r\n')).toBe('failed')
    expect(readSerial('(XEN) ****\r\nPanic on CPU 0:\r\n')).toBe('failed')
  })

  it('is quoted when the boot fails', async () => {
    const serialLog = join(folder, 'serial.log')
    await writeFile(serialLog, 'first words\r\nKernel panic - not syncing\r\n')
    const self = (await identify(process.pid))!
    await expect(waitUntilReady({ name: 'hosta', process: self, serialLog, qemuLog: join(folder, 'none') }, 1000))
      .rejects
      .toMatchObject({ code: 'lab-boot-failed', message: expect.stringContaining('Kernel panic') as string })
  })

  it('is not waited for when QEMU has ended', async () => {
    const qemuLog = join(folder, 'qemu.log')
    await writeFile(qemuLog, 'qemu: could not set up host forwarding rule')
    await expect(waitUntilReady({ name: 'hosta', process: { pid: 99_999_999, startTicks: 1 }, serialLog: join(folder, 'none'), qemuLog }, 60_000))
      .rejects
      .toMatchObject({ code: 'lab-boot-failed', message: expect.stringContaining('forwarding rule') as string })
  })
})

describe('a host\'s QEMU', () => {
  const args = qemuArguments({ name: 'hosta', mac: '52:54:00:77:00:01', sshPort: 2201, cable: { port: 3301, peerPort: 3302 }, memoryMiB: 1536, roomForDisks: true })

  it('is reached from this machine only', () => {
    expect(args).toContain('user,id=outside,restrict=on,hostfwd=tcp:127.0.0.1:2201-:22')
    expect(args).toContain('socket,id=link,udp=127.0.0.1:3302,localaddr=127.0.0.1:3301')
  })

  it('has a third disk only where guests have disks', () => {
    const drives = (roomForDisks: boolean) => qemuArguments({ name: 'hosta', mac: '52:54:00:77:00:01', sshPort: 1, cable: { port: 2, peerPort: 3 }, memoryMiB: 1536, roomForDisks }).filter(each => each.includes('if=virtio'))
    expect(drives(true).map(drive => /file=([^,]+)/.exec(drive)![1])).toEqual(['hosta/disk.qcow2', 'hosta/seed.tar', 'hosta/room.qcow2'])
    expect(drives(false)).toEqual(drives(true).slice(0, 2))
  })

  it('gets no absolute path: QEMU would split one with a comma or a space', () => {
    expect(args.filter(each => /(?:^|=)\/(?!dev\/vda)/.test(each))).toEqual([])
  })
})

describe('the cables', () => {
  it('join two hosts directly, more through a hub', async () => {
    const [a, b] = await cableEnds(2)
    expect(a).toEqual({ port: b!.peerPort, peerPort: b!.port })
    const three = await cableEnds(3)
    expect(new Set(three.flatMap(({ port, peerPort }) => [port, peerPort])).size).toBe(6)
    const hub = hubArguments(three).filter(each => each.startsWith('socket,'))
    expect(hub).toEqual(three.map(({ port, peerPort }, i) => `socket,id=cable${i},udp=127.0.0.1:${port},localaddr=127.0.0.1:${peerPort}`))
  })
})

describe('known hosts', () => {
  it('are written as OpenSSH reads them', () => {
    const entries = [{ host: '127.0.0.1', port: 2201, publicKey: 'ssh-ed25519 AAAA' }, { host: '10.77.0.1', port: 22, publicKey: 'ssh-ed25519 BBBB' }]
    expect(knownHosts(entries)).toBe('[127.0.0.1]:2201 ssh-ed25519 AAAA\n10.77.0.1 ssh-ed25519 BBBB\n')
  })
})

describe('room', () => {
  it('is asked for before anything starts', async () => {
    expect(parseAvailableBytes('MemTotal:  10 kB\nMemAvailable:    2048 kB\n')).toBe(2 * 1024 * 1024)
    expect(parseAvailableBytes('')).toBe(0)
    const none = { code: 'lab-no-space', action: expect.stringMatching(/./) as string }
    await expect(requireDisk(folder, 1e18)).rejects.toMatchObject(none)
    await expect(requireMemory(1e18)).rejects.toMatchObject(none)
    await expect(requireDisk(folder, 1)).resolves.toBeUndefined()
    await expect(requireMemory(1)).resolves.toBeUndefined()
  })
})

describe('the guests', () => {
  const heading = 'Name                                        ID   Mem VCPUs\tState\tTime(s)\n'
  const hosts = ['a', 'b'].map(host => ({ host, port: 22, user: 'root' }))

  /** Two hosts of which only what xl says is made up. A command in `failing` fails as often as it is there. */
  function fakeHosts(domains: Record<string, string[]>, failing: string[] = [], crashed: string[] = []) {
    const commands: string[] = []
    const row = (name: string) => `${name}     1   256     1     -b--${crashed.includes(name) ? 'c' : '-'}-    1.0\n`
    const run: RunOnHost = async ({ host }, argv) => {
      if (argv[1] === 'list')
        return { code: 0, stdout: heading + domains[host]!.map(row).join(''), stderr: '' }
      const line = argv.filter(word => !word.includes('\n')).join(' ')
      commands.push(`${host}: ${line}`)
      if (argv[1] === 'destroy')
        domains[host] = domains[host]!.filter(name => name !== argv[2])
      if (argv.at(-2) === 'create')
        domains[host]!.push(argv.at(-1)!)
      const failure = failing.indexOf(line)
      if (failure < 0)
        return { code: 0, stdout: '', stderr: '' }
      failing.splice(failure, 1)
      return { code: 1, stdout: '', stderr: 'out of luck' }
    }
    return { run, commands }
  }

  async function guests(plan: LabPlan = usualLabPlan) {
    return readGuests(join(import.meta.dirname, '..', '..', '..', 'resources', 'lab'), plan)
  }

  it('are read from xl\'s table', () => {
    expect(parseDomainNames(`${heading}Domain-0     0   512     1     r-----      79.0\nweb--incoming  4   256     1     --p---       0.0\n`)).toEqual(['Domain-0', 'web--incoming'])
    expect(parseDomainNames('')).toEqual([])
    expect(parseCrashed(`${heading}Domain-0     0   512     1     r-----      79.0\nweb  4   256     1     ---sc-       0.0\ndb   5   256     1     ---s--       0.0\n`)).toEqual(['web'])
    expect(parseCrashed('')).toEqual([])
  })

  it('are started on the first host where they are on neither; one under way counts as there', async () => {
    const { run, commands } = fakeHosts({ a: ['Domain-0', 'idle'], b: ['Domain-0', 'web--incoming'] })
    const steps: string[] = []
    await startMissingGuests(run, hosts, await guests(), (phase, step) => steps.push(`${phase}: ${step}`))
    expect(commands).toEqual(['a: sh -c create db', 'a: timeout 300 sh -c wait db'])
    expect(steps).toEqual(['guests: starting db', 'guests: ageing their memory'])
  })

  it('get their disks, made anew, before any is started, and again for a second chance', async () => {
    const withDisks = await guests({ ...usualLabPlan, disks: true })
    const make = (name: string, fileSystem: string) => `a: lab-make-disk /var/lib/me2-lab/disks/${name}.img ${fileSystem} 2048`
    const { run, commands } = fakeHosts({ a: ['Domain-0', 'idle', 'web', 'db'], b: ['Domain-0'] }, ['timeout 500 sh -c wait files'])
    const phases: string[] = []
    await startMissingGuests(run, hosts, withDisks, phase => phases.push(phase))
    expect(commands.slice(0, 3)).toEqual([make('files', 'ext4'), make('filesxfs', 'xfs'), 'a: sh -c create files'])
    expect(commands.filter(command => !command.includes('filesxfs')).slice(2)).toEqual(['a: timeout 500 sh -c wait files', 'a: xl destroy files', make('files', 'ext4'), 'a: sh -c create files', 'a: timeout 500 sh -c wait files'])
    expect(phases).toEqual(['disks', 'disks', 'guests', 'guests', 'guests'])
  })

  it('are not started where a disk could not be made', async () => {
    const make = 'lab-make-disk /var/lib/me2-lab/disks/files.img ext4 2048'
    const { run, commands } = fakeHosts({ a: ['Domain-0'], b: ['Domain-0'] }, [make])
    await expect(startMissingGuests(run, hosts, await guests({ ...usualLabPlan, disks: true }), () => {}))
      .rejects
      .toMatchObject({ code: 'lab-boot-failed', message: expect.stringContaining('The disk of files') as string })
    expect(commands).toEqual([`a: ${make}`])
  })

  it('get the more time to age the more memory they have to fill', async () => {
    expect(ageingSeconds(await guests())).toBe(300)
    expect(ageingSeconds(await guests({ ...usualLabPlan, twin: true }))).toBe(400)
    expect(ageingSeconds(await guests({ ...usualLabPlan, guestMemoryMiB: 768, twin: true }))).toBe(1200)
  })

  it('are left alone when all are there', async () => {
    const { run, commands } = fakeHosts({ a: ['Domain-0', 'idle', 'db'], b: ['Domain-0', 'web'] })
    const steps: string[] = []
    await startMissingGuests(run, hosts, await guests(), step => steps.push(step))
    expect([...commands, ...steps]).toEqual([])
  })

  it('are started anew where they crashed', async () => {
    const { run, commands } = fakeHosts({ a: ['Domain-0', 'idle', 'db'], b: ['Domain-0', 'web'] }, [], ['web'])
    await startMissingGuests(run, hosts, await guests(), () => {})
    expect(commands).toEqual(['b: xl destroy web', 'a: sh -c create web', 'a: timeout 300 sh -c wait web'])
  })

  it.each([['crash', ['db']], ['hang', []]])('get a second chance when they %s on their way, and not a third', async (_, crashed) => {
    const wait = 'timeout 300 sh -c wait db'
    const start = ['a: sh -c create db', `a: ${wait}`]
    const others = () => ({ a: ['Domain-0', 'idle', 'web'], b: ['Domain-0'] })
    const once = fakeHosts(others(), [wait], crashed)
    await startMissingGuests(once.run, hosts, await guests(), () => {})
    expect(once.commands).toEqual([...start, 'a: xl destroy db', ...start])
    const twice = fakeHosts(others(), [wait, wait], crashed)
    await expect(startMissingGuests(twice.run, hosts, await guests(), () => {})).rejects.toMatchObject({ code: 'lab-boot-failed' })
  })

  it.each([
    ['could not be created', 'sh -c create web', 'web'],
    ['started twice but do no work', 'timeout 300 sh -c wait idle', 'idle'],
  ])('are named when they %s', async (_, failing, name) => {
    const { run } = fakeHosts({ a: ['Domain-0'], b: ['Domain-0'] }, [failing, failing])
    await expect(startMissingGuests(run, hosts, await guests(), () => {}))
      .rejects
      .toMatchObject({ code: 'lab-boot-failed', message: expect.stringContaining(name) as string })
  })
})

describe('the image\'s recipe', () => {
  it('names no mirror: that is for this machine\'s apt sources to say', async () => {
    const recipe = join(import.meta.dirname, '..', '..', '..', 'resources', 'lab')
    for (const file of ['build.sh', 'steps/apt.sh', 'steps/dom0.sh', 'steps/guest.sh'])
      expect(await readFile(join(recipe, file), 'utf8'), file).not.toMatch(/https?:\/\//)
  })
})
