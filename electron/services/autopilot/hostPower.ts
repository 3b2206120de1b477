/** How a host is put to standby and woken: the boxed lab's by its own machine, one's own by a program that the user names. */
import { execFile } from 'node:child_process'
import { Me2Error } from '../../../shared/errors.ts'

export interface HostPower {
  /** Resolves when it is off, or on its way there. Throws `power-failed`. */
  standBy: (host: string) => Promise<void>
  /** Resolves when it was told to start; it is on once it answers. Throws `power-failed`. */
  wake: (host: string) => Promise<void>
}

const timeoutMs = 120_000
const maxOutputBytes = 64 * 1024

async function run(program: string, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { timeout: timeoutMs, maxBuffer: maxOutputBytes }, (error, _stdout, stderr) => {
      if (!error)
        resolve()
      else
        reject(new Me2Error('power-failed', `${program} ${args.join(' ')}: ${(stderr.trim() || error.message).slice(0, 500)}`, 'Mend the power program, or take the host out of power saving.'))
    })
  })
}

/** `program`: a file that can be executed, called with `standby` or `wake` and the host's name; read when it is needed. No shell. */
export function powerByProgram(program: () => string | null): HostPower {
  const call = async (action: 'standby' | 'wake', host: string): Promise<void> => {
    const path = program()
    if (path === null)
      throw new Me2Error('power-failed', `No program is set that could switch ${host}.`, 'Name one in the autopilot\'s rules, or turn power saving off.')
    await run(path, [action, host])
  }
  return { standBy: async host => call('standby', host), wake: async host => call('wake', host) }
}
