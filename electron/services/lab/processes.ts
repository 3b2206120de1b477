/**
 * Processes by identity, not by number alone: a recorded pid may belong to somebody else by now. Linux only (/proc).
 */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ProcessIdentity {
  pid: number
  /** Clock ticks from the machine's boot to the process's start, field 22 of /proc/PID/stat; see proc(5). */
  startTicks: number
}

/** The name in field 2 may hold spaces and parentheses: fields are counted after its last one. */
export function parseStat(stat: string): { state: string, startTicks: number } | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const startTicks = Number(fields[19])
  const [state = ''] = fields
  return state !== '' && Number.isSafeInteger(startTicks) ? { state, startTicks } : null
}

async function readOrNull(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}

/** Null if there is no such process, or only its remains (a zombie). */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const stat = parseStat(await readOrNull(`/proc/${pid}/stat`) ?? '')
  return stat && stat.state !== 'Z' && stat.state !== 'X' ? { pid, startTicks: stat.startTicks } : null
}

export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  return (await identify(process.pid))?.startTicks === process.startTicks
}

/** True if the process works in that folder and has the argument. */
export async function isOurs(pid: number, folder: string, argument: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null)
  const commandLine = await readOrNull(`/proc/${pid}/cmdline`) ?? ''
  return cwd === folder && commandLine.split('\0').includes(argument)
}

/** All processes that work in the folder and have an argument that fits. */
export async function findInFolder(folder: string, argument: RegExp): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || await readlink(`/proc/${entry}/cwd`).catch(() => null) !== folder)
      continue
    const commandLine = await readOrNull(`/proc/${entry}/cmdline`) ?? ''
    const identity = commandLine.split('\0').some(word => argument.test(word)) ? await identify(Number(entry)) : null
    if (identity)
      found.push(identity)
  }
  return found
}

/** True once the process has ended; false if it still runs after `timeoutMs`. */
export async function waitForEnd(target: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (await isAlive(target)) {
    if (performance.now() > deadline)
      return false
    await sleep(50)
  }
  return true
}

/** Sends the signal unless the process is gone, or its number now belongs to another. */
export async function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (!await isAlive(target))
    return
  try {
    process.kill(target.pid, signal)
  }
  catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH')
      throw error
  }
}
