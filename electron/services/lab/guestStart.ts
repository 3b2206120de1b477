/** Starts the lab's guests where they are missing, and waits until their workloads run. */
import type { SshTarget } from '../ssh/types.ts'
import type { GuestSpec } from './guests.ts'
import type { LabProgress, RunOnHost } from './types.ts'
import { Me2Error } from '../../../shared/errors.ts'

const createTimeoutMs = 120_000
/** Half a minute where nothing else is to do. */
const makeDiskTimeoutMs = 300_000
/** On a machine with other work to do three guests of 256 MiB that age at once took more than three minutes. */
const usualAgeing = { seconds: 300, bytes: 3 * 256 * 1024 * 1024 }

/** Names in the table that `xl list` prints: one heading, then the name in the first column. */
export function parseDomainNames(xlList: string): string[] {
  return xlList.split('\n').slice(1).map(line => line.split(/\s+/)[0]!).filter(Boolean)
}

/** A guest under way is called NAME--incoming on the target and may be NAME--migratedaway on the source. */
function isThere(guest: string, domains: readonly string[]): boolean {
  return domains.some(name => name === guest || name.startsWith(`${guest}--`))
}

/** State column of `xl list`: six flags, the fifth is c for crashed; the name is in the first column. */
export function parseCrashed(xlList: string): string[] {
  return xlList.split('\n').slice(1).map(line => line.split(/\s+/)).filter(([, , , , flags = '']) => flags[4] === 'c').map(([name]) => name!)
}

/** Throws `host-unreachable`, or `lab-boot-failed` if xl does not work there. */
export async function listDomains(run: RunOnHost, host: SshTarget): Promise<string[]> {
  const { code, stdout, stderr } = await run(host, ['xl', 'list'], { timeoutMs: 20_000 })
  if (code !== 0)
    throw new Me2Error('lab-boot-failed', `The Xen tools on a lab host do not answer: ${stderr.trim().slice(0, 300)}`, 'Start the lab again.')
  return parseDomainNames(stdout)
}

/**
 * Takes away those of these guests that have crashed, so that they can be started anew, and gives their names: QEMU's
 * emulated SVM delivers an interrupt twice now and then (asm_sysvec_xen_hvm_callback entered with interrupts off), whatever
 * the guest does.
 */
async function clearCrashed(run: RunOnHost, host: SshTarget, guests: readonly GuestSpec[]): Promise<string[]> {
  const { stdout } = await run(host, ['xl', 'list'], { timeoutMs: 20_000 })
  const crashed = parseCrashed(stdout).filter(name => guests.some(guest => guest.name === name))
  for (const name of crashed)
    await run(host, ['xl', 'destroy', name], { timeoutMs: createTimeoutMs })
  return crashed
}

/** Throws away what the guest had on its disk before: only a guest that stopped in good order could go on with it. */
async function makeDisk(run: RunOnHost, host: SshTarget, { name, disk }: GuestSpec, signal?: AbortSignal): Promise<void> {
  if (!disk)
    return
  const argv = ['lab-make-disk', disk.path, disk.fileSystem, `${disk.bytes / 1024 / 1024}`]
  const { code, stderr } = await run(host, argv, { timeoutMs: makeDiskTimeoutMs, signal })
  if (code !== 0)
    throw new Me2Error('lab-boot-failed', `The disk of ${name} could not be made: ${stderr.trim().slice(0, 500)}`, 'Start the lab again.')
}

/** The console's log is begun anew: what an earlier guest of that name said must not pass for this one's words. */
const createScript = `log=/var/log/xen/console/guest-$1.log
if [ -e "$log" ]; then mv "$log" "$log.old"; fi
exec xl create -q "/etc/xen/$1.cfg"`

async function create(run: RunOnHost, host: SshTarget, guest: GuestSpec, signal?: AbortSignal): Promise<void> {
  const { code, stderr } = await run(host, ['sh', '-c', createScript, 'create', guest.name], { timeoutMs: createTimeoutMs, signal })
  if (code !== 0)
    throw new Me2Error('lab-boot-failed', `The guest ${guest.name} could not be started: ${stderr.trim().slice(0, 500)}`, 'Start the lab again.')
}

/** On the guest's console; see resources/lab/guest/workload.c. */
const waitScript = `log=/var/log/xen/console/guest-$1.log
until grep -q '^ME2 up=' "$log" 2>/dev/null; do
  if grep -q -e '^ME2 failed' -e 'Kernel panic' "$log" 2>/dev/null; then tail -n 5 "$log" >&2; exit 1; fi
  sleep 2
done`

/** How long to wait for guests that all age at once: there is as much more to fill as they have more memory. */
export function ageingSeconds(guests: readonly GuestSpec[]): number {
  const bytes = guests.reduce((sum, guest) => sum + guest.memoryBytes, 0)
  return Math.ceil(usualAgeing.seconds * Math.max(1, bytes / usualAgeing.bytes))
}

async function waitUntilWorking(run: RunOnHost, host: SshTarget, guest: GuestSpec, seconds: number, signal?: AbortSignal): Promise<void> {
  const argv = ['timeout', `${seconds}`, 'sh', '-c', waitScript, 'wait', guest.name]
  const { code, stderr } = await run(host, argv, { timeoutMs: (seconds + 20) * 1000, signal })
  if (code !== 0)
    throw new Me2Error('lab-boot-failed', `The guest ${guest.name} started, but its workload did not: ${stderr.trim().slice(0, 500)}`, 'Start the lab again.')
}

/**
 * The same, with a second chance: the emulator crashes a guest on its way now and then, and seldom one hangs there (seen
 * once: no word in time, not crashed). The guest is this start's own and has done nothing yet.
 */
async function waitOrStartAgain(run: RunOnHost, host: SshTarget, guest: GuestSpec, seconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await waitUntilWorking(run, host, guest, seconds, signal)
  }
  catch {
    signal?.throwIfAborted()
    await run(host, ['xl', 'destroy', guest.name], { timeoutMs: createTimeoutMs })
    await makeDisk(run, host, guest, signal)
    await create(run, host, guest, signal)
    await waitUntilWorking(run, host, guest, seconds, signal)
  }
}

type AnnounceStep = (phase: Extract<LabProgress['phase'], 'disks' | 'guests'>, step: string) => void

/**
 * Guests found on any of the hosts stay as they are, unless they have crashed; the others are created on the first host,
 * one after the other, with new disks, and age and start to work side by side.
 */
export async function startMissingGuests(run: RunOnHost, hosts: readonly SshTarget[], guests: readonly GuestSpec[], onStep: AnnounceStep, signal?: AbortSignal): Promise<void> {
  for (const host of hosts)
    await clearCrashed(run, host, guests)
  const domains = (await Promise.all(hosts.map(async host => listDomains(run, host)))).flat()
  const missing = guests.filter(guest => !isThere(guest.name, domains))
  for (const guest of missing.filter(({ disk }) => disk)) {
    onStep('disks', `making the disk of ${guest.name}, 30 % full and aged`)
    await makeDisk(run, hosts[0]!, guest, signal)
  }
  // A failed wait is reported when its turn comes, not as an unhandled rejection while the next guest is created.
  const waits: Promise<unknown>[] = []
  for (const guest of missing) {
    signal?.throwIfAborted()
    onStep('guests', `starting ${guest.name}`)
    await create(run, hosts[0]!, guest, signal)
    waits.push(waitOrStartAgain(run, hosts[0]!, guest, ageingSeconds(guests), signal).then(() => null, (error: unknown) => error))
  }
  if (missing.length)
    onStep('guests', 'ageing their memory')
  const failure = (await Promise.all(waits)).find(error => error !== null)
  if (failure)
    throw failure
}
