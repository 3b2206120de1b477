/** A lab that runs already is used as it is: nobody's guests are thrown away because another size is wanted next time. */
import type { ChildProcess } from 'node:child_process'
import type { RunOnHost } from '../../../electron/services/lab/types.ts'
import { spawn } from 'node:child_process'
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

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'me2-adoption-'))
  await mkdir(join(cacheDir, 'lab'))
  hosts = []
  commands = []
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
    return { code: 0, stdout: `Name ID Mem VCPUs State Time\n${['idle', 'web', 'web2', 'db'].map(name => `${name} 1 256 1 -b---- 1.0\n`).join('')}`, stderr: '' }
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
