import type { SshTarget } from '../ssh/types.ts'

/** What `up` is doing. Phases come in this order; one that has nothing to do is not announced. */
export interface LabProgress {
  phase: 'tools' | 'image' | 'boot' | 'disks' | 'guests'
  /** One line for a person, e.g. the step of the image build. */
  detail: string
  /** Since `up` was called. */
  elapsedMs: number
}

export interface LabHost {
  name: string
  ssh: SshTarget
  /** IPv4 address on the link between the hosts; the target of a migration. */
  linkAddress: string
  /** Its QEMU process on this machine. */
  pid: number
  alive: boolean
  /** Switched off on purpose. */
  standby: boolean
  /** QEMU's control socket, see monitor.ts. */
  monitorSocket: string
  /** Everything hypervisor and dom0 kernel said. */
  serialLog: string
}

/** A guest's own disk: a file in dom0, whole-disk file system, mounted by the guest. */
export interface LabDisk {
  /** On whichever host the guest is. */
  path: string
  fileSystem: 'ext4' | 'xfs'
  bytes: number
}

export interface LabGuest {
  name: string
  profile: string
  memoryBytes: number
  mac: string
  address: string
  /** UDP port on both hosts where its heartbeat arrives every 10 ms. */
  heartbeatPort: number
  /** What it does, for the screen. */
  sentence: string
  disk?: LabDisk
}

export interface LabImage {
  /** Hash of everything the image was made from. */
  key: string
  suite: string
  xen: string
  kernel: string
}

/** `damaged`: it was started, but not all of its hosts are alive; `up` replaces it. */
export interface LabStatus {
  state: 'running' | 'damaged' | 'stopped'
  /** What the hosts run, none twice. */
  images: LabImage[]
  hosts: LabHost[]
  guests: LabGuest[]
}

export interface CommandResult {
  /** null: it was killed or timed out. */
  code: number | null
  stdout: string
  stderr: string
}

export interface CommandOptions {
  timeoutMs?: number
  signal?: AbortSignal
}

/** Runs one command as root on a host. An argv, never a shell line. Throws `host-unreachable`, or the signal's reason. */
export type RunOnHost = (target: SshTarget, argv: readonly string[], options?: CommandOptions) => Promise<CommandResult>
