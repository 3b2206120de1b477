/**
 * What a host is and what stands in the way of a migration, each with what to do about it. The first look needs
 * nothing but a shell, so that a host that is no Xen host, or not ours to use, gets a clear answer and no upload.
 */
import type { ProbeMessage } from '../../../shared/agent/messages.ts'
import type { HostAgent } from '../agent/types.ts'
import type { HostConnection } from '../ssh/types.ts'
import { Me2Error } from '../../../shared/errors.ts'

export interface HostCheck {
  /** A problem code, or the agent's own code for it. */
  code: string
  severity: 'ok' | 'warning' | 'error'
  message: string
  action: string
}

export interface HostProbe {
  host: string
  /** No check is an error: guests can be migrated from here and to here. */
  ready: boolean
  checks: HostCheck[]
  /** What the agent found; null if it was not asked. */
  facts: ProbeMessage | null
}

/** `capabilities` has control_d in dom0; without xenfs, /sys/hypervisor at least tells that this is Xen. */
const lookScript = `
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
printf '%s\\n' "$(uname -s)" "$(uname -m)" "$(uname -r)"
printf '%s\\n' "$(head -c 100 /sys/hypervisor/type 2>/dev/null)" "$(head -c 100 /proc/xen/capabilities 2>/dev/null)"
printf '%s\\n' "$(command -v xl)"
`
const timeoutMs = 20_000
const requestTimeoutMs = 60_000

/**
 * Probes a host. Only a lost connection is thrown; all else that is wrong is a check. `deploy` puts the agent there and
 * is called only where that can be of use.
 */
export async function probeHost(connection: HostConnection, deploy: (connection: HostConnection) => Promise<HostAgent>): Promise<HostProbe> {
  const checks = await firstLook(connection)
  const host = connection.target.host
  if (checks.some(check => check.severity === 'error'))
    return { host, ready: false, checks, facts: null }
  try {
    const facts = await (await deploy(connection)).request(['probe'], 'probe', { timeoutMs: requestTimeoutMs }) as ProbeMessage
    checks.push(ok('agent', 'The agent runs.'), ...factChecks(facts), ...facts.problems)
    return { host, ready: !checks.some(check => check.severity === 'error'), checks, facts }
  }
  catch (error) {
    if (!(error instanceof Me2Error) || error.code === 'connection-lost')
      throw error
    return { host, ready: false, checks: [...checks, { ...error.toProblem(), severity: 'error' }], facts: null }
  }
}

/** Operating system, root, Xen: what must be right before an agent is of use. */
async function firstLook(connection: HostConnection): Promise<HostCheck[]> {
  const { host, user } = connection.target
  const look = await connection.exec(['sh', '-c', lookScript], { asRoot: connection.root, timeoutMs, maxBytes: 4096 })
  const [system = '', machine = '', release = '', hypervisor = '', capabilities = '', xl = ''] = look.stdout.toString('utf8').split('\n').map(line => line.trim())
  return [
    system === 'Linux' && machine === 'x86_64'
      ? ok('system', `Linux ${release} on x86-64.`)
      : failed('system', `${host} is ${system} on ${machine}; the agent needs Linux on x86-64.`, 'Use another host.'),
    connection.root
      ? ok('root', user === 'root' ? 'Commands run as root.' : 'Commands run as root through sudo.')
      : failed('not-root', `${user} on ${host} is not root and cannot become it through sudo.`, 'Connect as root, or allow this user sudo on the host.'),
    xenCheck(host, hypervisor, capabilities),
    xl.startsWith('/')
      ? ok('xl', `The xl toolstack is ${xl}.`)
      : failed('no-xl', `${host} has no xl command.`, 'Install the toolstack (Debian: apt-get install xen-utils).'),
  ]
}

function xenCheck(host: string, hypervisor: string, capabilities: string): HostCheck {
  if (capabilities.includes('control_d'))
    return ok('xen', 'This is the control domain (dom0) of a Xen host.')
  if (hypervisor !== 'xen')
    return failed('no-xen', `${host} does not run under Xen.`, 'Boot it with Xen (Debian: apt-get install xen-system-amd64, then choose Xen in the boot menu).')
  return failed('no-xen', `${host} runs under Xen but is not its control domain (dom0), or xenfs is not mounted.`, 'Use the address of dom0; there, mount -t xenfs xenfs /proc/xen.')
}

function factChecks(facts: ProbeMessage): HostCheck[] {
  return facts.xen === null ? [] : [ok('xen-version', `Xen ${facts.xen.major}.${facts.xen.minor}${facts.xen.extra}.`)]
}

function ok(code: string, message: string): HostCheck {
  return { code, severity: 'ok', message, action: '' }
}

function failed(code: string, message: string, action: string): HostCheck {
  return { code, severity: 'error', message, action }
}
