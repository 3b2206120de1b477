/** What a pre-check knows before it judges: facts as both hosts told them, nothing decided yet. */
import type { Domain, ProbeMessage } from '../../../../shared/agent/messages.ts'
import type { Problem } from '../../../../shared/errors.ts'
import type { Link, Mode } from '../../../../shared/model/run.ts'

export interface HostState {
  name: string
  probe: ProbeMessage
  /** The agent's own version. */
  agent: string
  domains: Domain[]
}

/** What of a guest's configuration must be there on the target too. */
export interface GuestConfig {
  /** Kernel and initial RAM disk of an HVM guest that boots from files of dom0. */
  bootFiles: string[]
  /** Files and devices. */
  disks: string[]
  /** Disks that are no path (iSCSI, RBD, scripts): the console cannot look for them. */
  otherDisks: string[]
  bridges: string[]
  vifScripts: string[]
}

export interface LinkMeasurement {
  bytesPerSecond: number
}

export interface PrecheckFacts {
  guest: string
  modes: readonly Mode[]
  link: Link
  rateMbit: number | null
  source: HostState
  target: HostState
  /** Null if the source has no guest of the name. */
  domain: Domain | null
  /** Null if xl did not tell. */
  config: GuestConfig | null
  /** Of the paths and bridges above, those the target does not have. */
  missingBootFiles: string[]
  missingDisks: string[]
  missingBridges: string[]
  /** The guest's kernel as Memory Exploration understands it; null when it was not asked (stock only). */
  kernel: { version: string } | Problem | null
  /** Where the source reaches the target; null if no common network was found. */
  linkAddress: string | null
  /** Null if it was not measured (link over ssh, or no address). */
  measured: LinkMeasurement | Problem | null
  /** The guest's disks go along. */
  withDisk: boolean
  /** An agent on the source is migrating this guest already. */
  busy: boolean
}
