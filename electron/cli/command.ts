/** What a command of the command line is, and what it works with. */
import type { HostAgent } from '../services/agent/types.ts'
import type { AuditLog } from '../services/autopilot/auditLog.ts'
import type { HostStore } from '../services/hosts/hostStore.ts'
import type { Lab } from '../services/lab/lab.ts'
import type { MigrationTiming } from '../services/migration/timing.ts'
import type { RunStore } from '../services/runs/runStore.ts'
import type { HostConnection, SshTarget } from '../services/ssh/types.ts'
import type { Arguments, OptionSpec } from './arguments.ts'
import type { Terminal } from './terminal.ts'

/** What reaches the world outside; tests bring their own. */
export interface Services {
  lab: Lab
  runs: RunStore
  timing: MigrationTiming
  /** What autopilots of this user did, here and on the screen. */
  audit: () => Promise<AuditLog>
  /** From user@host[:port] or a Host of ~/.ssh/config. Throws `usage`, `config-refused`. */
  resolveTarget: (spec: string) => SshTarget
  /** The user's list of own hosts. */
  ownHosts: HostStore
  /** A verified connection. */
  connect: (target: SshTarget) => Promise<HostConnection>
  /** Puts the agent there if it is not yet. */
  deploy: (connection: HostConnection) => Promise<HostAgent>
  /** Takes the agent off a host. Returns the paths removed. */
  removeAgent: (connection: HostConnection) => Promise<string[]>
}

export interface Context {
  services: Services
  terminal: Terminal
  /** Registers what Ctrl-C does from now on; the answer takes it back. A second Ctrl-C ends the program. */
  onInterrupt: (action: () => void) => () => void
}

export interface Output {
  /** The one document that --json prints. */
  json: unknown
  /** The same for a human. */
  text: string
  /** True if what was asked for did not come about; the exit code is then 1. */
  failed?: boolean
}

export interface Command {
  path: readonly string[]
  /** Names of the arguments without dashes, all required. */
  operands: readonly string[]
  /** One more that may follow. */
  optionalOperand?: string
  summary: string
  options: readonly OptionSpec[]
  run: (context: Context, args: Arguments) => Promise<Output>
}
