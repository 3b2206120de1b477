/** QEMU processes of the lab, which outlive the console, so that the next one can adopt them. */
import type { ProcessIdentity } from './processes.ts'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Me2Error } from '../../../shared/errors.ts'
import { monitorCommand } from './monitor.ts'
import { identify, signalProcess, waitForEnd } from './processes.ts'
import { toolEnvironment } from './tools.ts'

/** Name of the process; with the working folder it tells our QEMU from any other. */
export function qemuName(host: string): string {
  return `me2-lab-${host}`
}
export const anyQemuName = /^me2-lab-[a-z]+$/

/** A QEMU that outlives this process. Throws `lab-boot-failed` when it does not start; what it says goes to the file. */
export async function spawnQemu(labFolder: string, name: string, args: string[], logFile: string): Promise<ProcessIdentity> {
  const log = openSync(logFile, 'w', 0o600)
  try {
    const child = spawn('qemu-system-x86_64', args, { cwd: labFolder, env: toolEnvironment(), detached: true, stdio: ['ignore', log, log] })
    child.on('error', () => {}) // shows as no pid
    child.unref()
    const identity = child.pid === undefined ? null : await identify(child.pid)
    if (!identity)
      throw new Me2Error('lab-boot-failed', `QEMU did not start for ${name}.`, `See ${logFile}.`)
    return identity
  }
  finally {
    closeSync(log)
  }
}

const patienceMs = 3000

/** Ends a host: asks through the monitor, then by signals. Gentle or not, afterwards it is gone. */
export async function endQemu(target: ProcessIdentity, monitorSocket: string | null): Promise<void> {
  if (monitorSocket !== null)
    await monitorCommand(monitorSocket, 'quit', {}, patienceMs).catch(() => {})
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await waitForEnd(target, patienceMs))
      return
    await signalProcess(target, signal)
  }
  await waitForEnd(target, patienceMs)
}
