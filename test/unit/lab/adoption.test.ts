/** A lab that runs already is used as it is: nobody's guests are thrown away because another size is wanted next time. */
import type { ChildProcess } from 'node:child_process'
import type { RunOnHost } from '../../../electron/services/lab/types.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { labKeys } from '../../../electron/services/lab/image.ts'
import { createLab } from '../../../electron/services/lab/lab.ts'
import { identify } from '../../../electron/services/lab/processes.ts'
import { usualLabPlan } from '../../../shared/model/labPlan.ts'

const resourcesDir = join(import.meta.dirname, '..', '..', '..', 'resources', 'lab')

let cacheDir: string
let hosts: ChildProcess[]
let commands: string[]
/** What else a command does there; a number is its exit code. */
let runCommand: () => unknown

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'me2-adoption-'))
  await mkdir(join(cacheDir, 'lab'))
  hosts = []
  commands = []
  runCommand = () => {}
})

afterEach(async () => {
  hosts.forEach(host => host.kill())
  await rm(cacheDir, { recursive: true })
})

/** What stands for a host's QEMU: a process in the lab's folder with its name. */
async function startHost(name: string) {
  const host = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', `me2-lab-${name}`], { cwd: join(cacheDir, 'lab'), stdio: 'ignore' })
  hosts.push(host)
  return { name, linkAddress: '10.77.0.1', sshPort: 2222, cable: { port: 4001, peerPort: 4002 }, standby: false, image: { key: 'any', suite: 'bookworm', xen: '4.17', kernel: '6.1' }, process: (await identify(host.pid!))! }
}

async function runningLab(recorded: object) {
  const state = {
    version: 3,
    plan: usualLabPlan,
    key: (await labKeys(resourcesDir)).lab,
    hosts: [await startHost('hosta'), await startHost('hostb')],
    ...recorded,
  }
  await writeFile(join(cacheDir, 'lab', 'state.json'), JSON.stringify(state))
  const runOnHost: RunOnHost = async (_, argv) => {
    commands.push(argv.filter(word => !word.includes('\n')).join(' '))
    const answer = argv[0] === 'sh' ? runCommand() : 0
    return { code: typeof answer === 'number' ? answer : 0, stdout: `Name ID Mem VCPUs State Time\n${['idle', 'web', 'web2', 'db'].map(name => `${name} 1 256 1 -b---- 1.0\n`).join('')}`, stderr: '' }
  }
  return createLab({ cacheDir, resourcesDir, log: () => {}, runOnHost })
}

const guestsOf = (guests: readonly { name: string, memoryBytes: number }[]): string[] => guests.map(({ name, memoryBytes }) => `${name} ${memoryBytes / 1024 / 1024}`)

it('a lab goes on as it was started, whatever is wanted now', async () => {
  const lab = await runningLab({ plan: { ...usualLabPlan, guestMemoryMiB: 512, twin: true } })
  const expected = ['idle 512', 'web 512', 'web2 512', 'db 512']
  const before = await lab.status()
  expect(before.state).toBe('running')
  const after = await lab.up({ plan: { ...usualLabPlan, guestMemoryMiB: 768 } })
  expect(after.hosts.map(({ pid }) => pid)).toEqual(before.hosts.map(({ pid }) => pid))
  expect([guestsOf(before.guests), guestsOf(after.guests)]).toEqual([expected, expected])
  expect(new Set(commands), 'nothing was created or destroyed').toEqual(new Set(['xl list']))
})

it('a lab whose guests were made from something else is not adopted', async () => {
  const lab = await runningLab({ key: 'other' })
  const started: string[] = []
  await expect(lab.up({ signal: AbortSignal.abort(new Error('far enough')) }, ({ phase }) => started.push(phase))).rejects.toThrow()
  expect(started).toContain('tools')
  expect((await lab.status()).state).toBe('stopped')
})

it('a host stands by and is woken, and the lab runs all the while', async () => {
  const lab = await runningLab({})
  const off = hosts[1]!
  const ended = once(off, 'exit')
  // what ends a real host is a line of its own shell
  runCommand = () => off.kill()
  await lab.standBy('hostb')
  await ended
  const status = await lab.status()
  expect(status).toMatchObject({ state: 'running', hosts: [{ alive: true, standby: false }, { alive: false, standby: true }] })
  await expect(lab.standBy('hostb')).rejects.toMatchObject({ code: 'lab-not-running' })
  await expect(lab.wake('hosta')).rejects.toMatchObject({ code: 'lab-not-running' })
  await expect(lab.wake('hostx')).rejects.toMatchObject({ code: 'lab-not-running' })
})

it('load goes to the guest\'s console, on the host that has it', async () => {
  const lab = await runningLab({})
  await lab.load('web', 45)
  expect(commands.at(-1)).toBe('sh -c load web 45')
  runCommand = () => 3
  await expect(lab.load('web', 45)).rejects.toMatchObject({ code: 'no-domain' })
})
