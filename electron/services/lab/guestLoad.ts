/** Load on a lab guest's processor beside its own work, for whoever wants to see what a busy host does. */
import type { SshTarget } from '../ssh/types.ts'
import type { RunOnHost } from './types.ts'
import { Me2Error } from '../../../shared/errors.ts'

/** A line on the guest's console, which its workload reads; see resources/lab/guest/burn.h. 3: it is not here. */
const script = `domid=$(xl domid "$1" 2>/dev/null) || exit 3
terminal=$(xenstore-read "/local/domain/$domid/console/tty") || exit 1
printf 'load=%s\\n' "$2" >"$terminal"`
const notHere = 3

/** `percent` of one processor. Throws `no-domain` where the guest is on none of these hosts. */
export async function putLoad(run: RunOnHost, hosts: readonly SshTarget[], guest: string, percent: number): Promise<void> {
  for (const host of hosts) {
    const { code, stderr } = await run(host, ['sh', '-c', script, 'load', guest, `${percent}`])
    if (code === 0)
      return
    if (code !== notHere)
      throw new Me2Error('lab-not-running', `The console of ${guest} cannot be written to: ${stderr.trim().slice(0, 300)}`, 'Look at the lab\'s state.')
  }
  throw new Me2Error('no-domain', `The boxed lab has no guest ${guest} that runs.`, 'Choose one of its guests; one that migrates just now has no load.')
}
