/** The rule for host keys: a known key passes, an unknown one is asked about, a changed or revoked one stops. */
import type { SshTarget } from './types.ts'
import os from 'node:os'
import path from 'node:path'
import { Me2Error } from '../../../shared/errors.ts'
import { appendKnownHost, fingerprintOf, judgeHostKey, keyTypeOf, knownKeyTypes, readKnownHosts } from './knownHosts.ts'

/** What a user is shown before a host is trusted for the first time. */
export interface HostKeyQuestion {
  host: string
  port: number
  keyType: string
  /** `SHA256:…`, as `ssh-keygen -l` prints it on the host. */
  fingerprint: string
}

export interface HostKeyPolicy {
  /** The console's own known_hosts file: read always, and the only one ever written. */
  ownKnownHostsFile: string
  /** Asked about unknown keys; without it they are refused. */
  acceptHostKey?: (question: HostKeyQuestion) => Promise<boolean>
}

/** The RSA signatures with SHA-1 (`ssh-rsa`) are left out. */
const hostKeyAlgorithms = [
  'ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256',
] as const
type HostKeyAlgorithm = typeof hostKeyAlgorithms[number]

/** The algorithms to offer: first those of the keys that the host is known by, so that a known key is what it shows. */
export async function hostKeyAlgorithmsFor(target: SshTarget, policy: HostKeyPolicy): Promise<HostKeyAlgorithm[]> {
  const types = knownKeyTypes(await readKnownHosts(knownHostsFiles(target, policy)), target.host, target.port)
  const isKnown = (algorithm: string): boolean => types.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)
  return [...hostKeyAlgorithms].sort((a, b) => Number(isKnown(b)) - Number(isKnown(a)))
}

/**
 * Settles for one key that a host has shown; an accepted unknown key is kept in the console's own file.
 *
 * @throws Me2Error `host-key-unknown`, `host-key-changed` or `host-key-revoked`.
 */
export async function verifyHostKey(target: SshTarget, key: Buffer, policy: HostKeyPolicy): Promise<void> {
  const verdict = judgeHostKey(await readKnownHosts(knownHostsFiles(target, policy)), target.host, target.port, key)
  const shown = `${target.host} port ${target.port} shows ${keyTypeOf(key)} ${fingerprintOf(key)}`
  switch (verdict.kind) {
    case 'known':
      return
    case 'revoked':
      throw new Me2Error('host-key-revoked', `${shown}, which is marked revoked in ${verdict.file} line ${verdict.line}.`, 'Do not connect. Ask whoever runs the host for its new key.')
    case 'changed':
      throw new Me2Error('host-key-changed', `${shown}, but another key is known (${verdict.file} line ${verdict.line}).`, `If the host was installed anew, remove that line; otherwise someone may be in between.`)
    case 'unknown':
      if (!await policy.acceptHostKey?.({ host: target.host, port: target.port, keyType: keyTypeOf(key), fingerprint: fingerprintOf(key) }))
        throw new Me2Error('host-key-unknown', `${shown}, which is not known here.`, 'Compare the fingerprint with the host\'s own, then accept it.')
      await appendKnownHost(policy.ownKnownHostsFile, target.host, target.port, key)
  }
}

function knownHostsFiles(target: SshTarget, policy: HostKeyPolicy): string[] {
  const files = target.knownHostsFiles ?? [path.join(os.homedir(), '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts']
  return [...files, policy.ownKnownHostsFile]
}
