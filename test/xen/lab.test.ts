/** The boxed lab itself: what it promises to all who build on it. Ends with a running lab, which the next file adopts. */
import type { LabHost, LabStatus, RunOnHost } from '../../electron/services/lab/types.ts'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createLab, defaultCacheDir } from '../../electron/services/lab/lab.ts'
import { findInFolder, identify, signalProcess, waitForEnd } from '../../electron/services/lab/processes.ts'
import { runOverSsh } from '../../electron/services/lab/sshCommand.ts'

const folder = join(defaultCacheDir(), 'lab')

/** A console of its own each time: it knows of a lab only what is on the disk. */
function newConsole(runOnHost: RunOnHost = runOverSsh) {
  return createLab({ cacheDir: defaultCacheDir(), resourcesDir: join(import.meta.dirname, '..', '..', 'resources', 'lab'), log: line => console.log(line), runOnHost })
}

async function up(): Promise<LabStatus> {
  return newConsole().up({}, ({ phase, detail, elapsedMs }) => console.log(`lab ${(elapsedMs / 1000).toFixed(0)} s ${phase}: ${detail}`))
}

async function on(host: LabHost, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runOverSsh(host.ssh, argv, { timeoutMs: 120_000 })
  expect(code, `${host.name}: ${argv[0]}: ${stderr}`).toBe(0)
  return stdout.trim()
}

function pids(status: LabStatus): number[] {
  return status.hosts.map(host => host.pid)
}

let lab: LabStatus
let a: LabHost
let b: LabHost

beforeAll(async () => {
  await newConsole().down()
  expect(await findInFolder(folder, /qemu/), 'down leaves no process').toEqual([])
  expect((await newConsole().status()).state).toBe('stopped')
  lab = await up()
  a = lab.hosts[0]!
  b = lab.hosts[1]!
})

describe('the boxed lab', () => {
  it('is two real Xen hosts that know each other', async () => {
    expect(lab.state).toBe('running')
    for (const [host, other] of [[a, b], [b, a]] as const) {
      expect(await on(host, 'hostname')).toBe(host.name)
      expect(await on(host, 'xl', 'info')).toMatch(/xen_version\s+: 4\.17/)
      expect(await on(host, 'ssh', '-o', 'BatchMode=yes', other.linkAddress, 'hostname')).toBe(other.name)
    }
  })

  it('has accounts to try what one is who is not root', async () => {
    const as = async (user: string, ...argv: string[]) => runOverSsh({ ...a.ssh, user }, argv)
    expect((await as('student', 'id', '-un')).stdout).toBe('student\n')
    expect((await as('student', 'sudo', '-n', 'true')).code).not.toBe(0)
    expect((await as('instructor', 'sudo', '-n', 'id', '-u')).stdout).toBe('0\n')
  })

  it('has its guests at work, aged, and none has found a bad page', async () => {
    for (const guest of lab.guests) {
      const console_ = await on(a, 'cat', `/var/log/xen/console/guest-${guest.name}.log`)
      expect(Number(/^ME2 aged pages=(\d+)/m.exec(console_)?.[1]), guest.name).toBeGreaterThan(guest.memoryBytes / 4096 / 2)
      const reports = [...console_.matchAll(/^ME2 up=\S+ heartbeats=(\d+) rewritten=(\d+) checked=(\d+) sweeps=\d+ bad=(\d+)/gm)]
      const [, heartbeats, rewritten, checked, bad] = reports.at(-1)!.map(Number)
      expect({ guest: guest.name, bad }).toEqual({ guest: guest.name, bad: 0 })
      expect(Math.min(heartbeats!, rewritten!, checked!), guest.name).toBeGreaterThan(0)
    }
  })

  it('lets both hosts hear every guest\'s heartbeat', async () => {
    const listen = `
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", int(sys.argv[1]))); s.settimeout(30)
for i in range(20):
    data, sender = s.recvfrom(2048)
    magic, sequence, ns, bad, checked = struct.unpack("<5Q", data[:40])
    print(sender[0], hex(magic), bad, sequence)`
    for (const guest of lab.guests) {
      for (const host of [a, b]) {
        const heard = (await on(host, 'python3', '-c', listen, `${guest.heartbeatPort}`)).split('\n').map(line => line.split(' '))
        expect(new Set(heard.map(([sender, magic, bad]) => `${sender} ${magic} ${bad}`)), host.name).toEqual(new Set([`${guest.address} 0x3142484b52425455 0`]))
        const sequence = heard.map(words => Number(words[3]))
        expect(sequence).toEqual([...new Set(sequence)].sort((x, y) => x - y))
      }
    }
  })

  it('can have its cable cut and mended', async () => {
    const reach = `ssh -o BatchMode=yes -o ConnectTimeout=10 ${b.linkAddress} echo reached || echo cut`
    await newConsole().linkCut('hosta', true)
    expect(await on(a, 'sh', '-c', reach)).toBe('cut')
    await newConsole().linkCut('hosta', false)
    expect(await on(a, 'sh', '-c', reach)).toBe('reached')
    await expect(newConsole().linkCut('hostx', true)).rejects.toMatchObject({ code: 'lab-not-running' })
  })

  it('is adopted as it is by the next console', async () => {
    expect(await newConsole().status()).toEqual(lab)
    expect(pids(await up())).toEqual(pids(lab))
  })

  it('is changed by one console at a time', async () => {
    const entered = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    const first = newConsole(async (...command) => {
      entered.resolve()
      await leave.promise
      return runOverSsh(...command)
    }).up()
    await entered.promise
    await expect(newConsole().down()).rejects.toMatchObject({ code: 'lab-busy' })
    leave.resolve()
    expect(pids(await first)).toEqual(pids(lab))
  })

  it('is replaced as a whole when one host has died', async () => {
    const victim = (await identify(b.pid))!
    await signalProcess(victim, 'SIGKILL')
    expect(await waitForEnd(victim, 10_000)).toBe(true)
    const damaged = await newConsole().status()
    expect(damaged.state).toBe('damaged')
    expect(damaged.hosts.map(host => host.alive)).toEqual([true, false])
    const next = await up()
    expect(next.state).toBe('running')
    expect(pids(next)).not.toContain(a.pid)
    expect((await findInFolder(folder, /^me2-lab-/)).map(found => found.pid).sort()).toEqual(pids(next).sort())
  })
})
