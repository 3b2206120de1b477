/**
 * The boxed lab for the tests on real Xen: adopted when it runs, otherwise built and started, and left running for the
 * next file (teardown.ts ends it). Whoever disturbs a host puts it right again.
 */
import type { LabGuest } from '../../../electron/services/lab/types.ts'
import type { Attempt, AttemptOptions, TestHost } from './migrateOnce.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLab, defaultCacheDir } from '../../../electron/services/lab/lab.ts'
import { monitorCommand } from '../../../electron/services/lab/monitor.ts'
import { domainsOn } from '../../../electron/services/migration/findGuest.ts'
import { labResources, migrateOnce, openHost } from './migrateOnce.ts'

export const lab = createLab({
  cacheDir: defaultCacheDir(),
  resourcesDir: labResources,
  log: line => console.log(line),
})

export interface TestLab {
  hosts: [TestHost, TestHost]
  guests: LabGuest[]
}

export async function openLab(): Promise<TestLab> {
  const status = await lab.up({}, ({ phase, detail, elapsedMs }) => console.log(`lab ${(elapsedMs / 1000).toFixed(0)} s ${phase}: ${detail}`))
  const [a, b] = status.hosts.map(host => openHost(host))
  return { hosts: [a!, b!], guests: status.guests }
}

/** The one interrupt delivered twice that guestStart.ts tells of; any other crash of a guest is ours to explain. */
const emulatorSignature = 'asm_sysvec_xen_hvm_callback'

/** Throws what vitest.config.ts retries on, if that is what became of the guest. */
export async function blameEmulator(testLab: TestLab, guest: string): Promise<void> {
  for (const host of testLab.hosts) {
    if (!(await copiesOn(host, guest)).some(({ state }) => state === 'crashed'))
      continue
    const { connection } = await host.handle.session()
    const { stdout } = await connection.exec(['sh', '-c', 'tail -qn 60 /var/log/xen/console/guest-"$1"*.log', 'sh', guest])
    if (stdout.toString().includes(emulatorSignature))
      throw new Error(`${guest} was crashed by the emulator`)
  }
}

/** For beforeEach: guests that the emulator crashed (guestStart.ts) are started anew before a test is tried again. */
export async function healBeforeRetry({ task }: { task: { result?: { retryCount?: number } } }): Promise<void> {
  if ((task.result?.retryCount ?? 0) > 0)
    await lab.up()
}

export async function closeLab({ hosts }: TestLab): Promise<void> {
  await Promise.all(hosts.map(async ({ handle }) => handle.close()))
}

/** What a host runs under this name, or as an unfinished copy of it. */
export async function copiesOn(host: TestHost, guest: string): Promise<{ name: string, state: string }[]> {
  const domains = await domainsOn(host.handle, 60_000)
  return domains.filter(({ name }) => name === guest || name.startsWith(`${guest}--`)).map(({ name, state }) => ({ name, state }))
}

/** Source first. */
export async function fromWhere(testLab: TestLab, guest: string): Promise<[TestHost, TestHost]> {
  const [a, b] = testLab.hosts
  return (await copiesOn(a, guest)).some(({ name }) => name === guest) ? [a, b] : [b, a]
}

/** Live copies of the guest on both hosts: the one thing that must be 1 after everything. */
export async function runningCopies(testLab: TestLab, guest: string): Promise<string[]> {
  const found = await Promise.all(testLab.hosts.map(async host => (await copiesOn(host, guest)).map(copy => ({ ...copy, host: host.name }))))
  return found.flat().filter(({ state }) => state === 'running' || state === 'blocked').map(({ host, name }) => `${host}/${name}`)
}

/** Agent processes and unfinished copies; both lists are empty when nothing was left. */
export async function leftOn(host: TestHost, guest: string): Promise<string[]> {
  const { connection } = await host.handle.session()
  const { stdout } = await connection.exec(['ps', '-eo', 'args'], { timeoutMs: 60_000 })
  const agents = stdout.toString().split('\n').filter(line => /\/agent-\S+ (?:migrate|receive|send|heartbeat)/.test(line))
  const copies = (await copiesOn(host, guest)).filter(({ name }) => name !== guest).map(({ name }) => name)
  return [...agents, ...copies]
}

/** Asks until it holds; an emulated host takes its time to tidy up. */
export async function eventually<T>(ask: () => Promise<T>, good: (value: T) => boolean, forMs = 90_000): Promise<T> {
  const until = performance.now() + forMs
  for (;;) {
    const value = await ask()
    if (good(value) || performance.now() > until)
      return value
    await sleep(1000)
  }
}

/** Stops all of a host's CPUs for as long as the action takes, as a crashed or hanging host would. */
export async function whileFrozen<T>(host: TestHost, action: () => Promise<T>): Promise<T> {
  await monitorCommand(host.monitorSocket, 'stop')
  try {
    return await action()
  }
  finally {
    await monitorCommand(host.monitorSocket, 'cont')
  }
}

/** One migration to the other host, without the pre-check: what fails here must be undone by the agents and xl. */
export async function attempt(testLab: TestLab, guest: string, options: AttemptOptions = {}): Promise<Attempt> {
  const [source, target] = await fromWhere(testLab, guest)
  const spec = testLab.guests.find(({ name }) => name === guest)!
  const made = await migrateOnce(source, target, spec, options)
  if (made.result.outcome === 'failed')
    await blameEmulator(testLab, guest)
  return made
}
