/** When a host has booted: it says so on its serial line (see resources/lab/dom0/init). */
import type { ProcessIdentity } from './processes.ts'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Me2Error } from '../../../shared/errors.ts'
import { isAlive } from './processes.ts'

const pollMs = 100
const tailLines = 12

/** What the text on the serial line means so far. */
export function readSerial(text: string): 'booting' | 'ready' | 'failed' {
  if (/^LAB-READY /m.test(text))
    return 'ready'
  return /LAB-FAILED|Kernel panic|^Panic on CPU/m.test(text) ? 'failed' : 'booting'
}

function tail(text: string): string {
  return text.trimEnd().split(/\r?\n/).slice(-tailLines).join('\n')
}

export interface BootingHost {
  name: string
  process: ProcessIdentity
  serialLog: string
  qemuLog: string
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '')
}

/** Throws `lab-boot-failed` with the end of what the host said, or the signal's reason. */
export async function waitUntilReady(host: BootingHost, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const alive = await isAlive(host.process)
    const serial = await readText(host.serialLog)
    const outcome = readSerial(serial)
    if (outcome === 'ready' && alive)
      return
    if (outcome === 'failed' || !alive || performance.now() > deadline) {
      const why = !alive ? 'its QEMU ended' : outcome === 'failed' ? 'it gave up' : 'it took too long'
      const said = tail(`${await readText(host.qemuLog)}\n${serial}`)
      throw new Me2Error('lab-boot-failed', `${host.name} did not boot (${why}):\n${said}`, `Try again; everything it said is in ${host.serialLog}.`)
    }
    await sleep(pollMs, undefined, { signal })
  }
}
