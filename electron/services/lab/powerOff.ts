/** The orderly end of a lab host, which has no init system that could be asked for it. */
import type { SshTarget } from '../ssh/types.ts'
import type { RunOnHost } from './types.ts'

/** Linux's own keys: sync, remount read-only, power off (kernel documentation, "Magic SysRq"). Xen then ends its machine. */
const script = 'for key in s u o; do echo "$key" >/proc/sysrq-trigger; sleep 1; done'
const timeoutMs = 20_000

/** The answer is lost on the way as often as not, because the network goes with the host: its process tells. */
export async function powerOff(run: RunOnHost, host: SshTarget): Promise<void> {
  await run(host, ['sh', '-c', script], { timeoutMs }).catch(() => {})
}
