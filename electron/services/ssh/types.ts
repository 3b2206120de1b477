import type { Readable, Writable } from 'node:stream'

/** How to reach one host. Secrets (password, passphrase) are asked for when needed and never stored here. */
export interface SshTarget {
  host: string
  port: number
  user: string
  /** Private key files to try, in order; the SSH agent and passwords come after. */
  identityFiles?: string[]
  /** known_hosts files, OpenSSH format. Default: ~/.ssh/known_hosts and the console's own. */
  knownHostsFiles?: string[]
  /** Each hop is verified on its own. Nearest first. */
  jumps?: SshTarget[]
}

export interface ExecResult {
  code: number | null
  signal: string | null
  stdout: Buffer
  stderr: string
}

/** A process on a host. Ends when the connection does. */
export interface RemoteProcess {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** Resolves with null codes when the connection was lost. Never rejects. */
  exit: Promise<{ code: number | null, signal: string | null, lost: boolean }>
  /** Closes the channel: the remote process sees EOF on stdin (and SIGHUP where there is a tty). */
  close: () => void
}

/** One verified connection. Arguments are an argv: quoting is done here and nowhere else. */
export interface HostConnection {
  readonly target: SshTarget
  /** True if commands are run as root, directly or through sudo. */
  readonly root: boolean
  /** Runs to the end. Throws `output-too-large` past `maxBytes` (default 1 MiB), `connection-lost`, `cancelled`. */
  exec: (argv: readonly string[], options?: { input?: Buffer | string, maxBytes?: number, timeoutMs?: number, asRoot?: boolean, signal?: AbortSignal }) => Promise<ExecResult>
  spawn: (argv: readonly string[], options?: { asRoot?: boolean }) => Promise<RemoteProcess>
  /** Writes a file under a temporary name in the same folder, checks its SHA-256 on the host, renames. */
  upload: (bytes: Buffer, remotePath: string, mode: number) => Promise<void>
  /** Resolves when the connection ends, whoever ended it. */
  readonly closed: Promise<void>
  close: () => void
}
