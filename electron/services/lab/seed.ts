/**
 * What makes one lab this lab: fresh SSH keys, made for it and pinned. Each host gets its share as a tar archive, which is
 * its second disk (see resources/lab/dom0/init); this machine gets an identity and a known_hosts file.
 */
import type { GuestSpec } from './guests.ts'
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { xlConfig } from './guests.ts'
import { toolEnvironment } from './tools.ts'

const run = promisify(execFile)

/** Guests send their heartbeats to this multicast group; a socket bound to 0.0.0.0 on either host hears them. */
const heartbeatGroup = '239.77.0.1'

export interface SeedHost {
  name: string
  linkAddress: string
  sshPort: number
  /** Gets seed.tar. */
  folder: string
}

interface KeyPair {
  privateKey: string
  /** `TYPE BASE64`, without a comment. */
  publicKey: string
}

async function makeKey(path: string): Promise<KeyPair> {
  await rm(path, { force: true })
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me2-lab', '-f', path], { env: toolEnvironment() })
  const publicKey = (await readFile(`${path}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')
  return { privateKey: await readFile(path, 'utf8'), publicKey }
}

/** Lines in the format of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export function knownHosts(entries: readonly { host: string, port: number, publicKey: string }[]): string {
  return entries.map(({ host, port, publicKey }) => `${port === 22 ? host : `[${host}]:${port}`} ${publicKey}\n`).join('')
}

interface SeedFile {
  path: string
  text: string
  mode?: number
}

/** The archive holds only files, which belong to root whoever runs this; folders keep what modes they have on the host. */
async function writeArchive(folder: string, files: readonly SeedFile[]): Promise<void> {
  const tree = join(folder, 'seed')
  await rm(tree, { recursive: true, force: true })
  for (const { path, text, mode = 0o644 } of files) {
    await mkdir(dirname(join(tree, path)), { recursive: true })
    await writeFile(join(tree, path), text)
    await chmod(join(tree, path), mode)
  }
  const archive = join(folder, 'seed.tar')
  await run('tar', ['--create', '--owner=0', '--group=0', '--numeric-owner', `--file=${archive}`, `--directory=${tree}`, ...files.map(file => file.path)], { env: toolEnvironment() })
  await rm(tree, { recursive: true, force: true })
}

/**
 * Makes all keys and archives. `identityFile` and `knownHostsFile` are written for this machine.
 * The hosts also trust each other (as root), so that migrations over plain ssh can be tried.
 */
export async function sowSeeds(hosts: readonly SeedHost[], guests: readonly GuestSpec[], identityFile: string, knownHostsFile: string): Promise<void> {
  const visitor = await makeKey(identityFile)
  const keys = await Promise.all(hosts.map(async host => ({
    host,
    hostKey: await makeKey(join(host.folder, 'host-key')),
    rootKey: await makeKey(join(host.folder, 'root-key')),
  })))
  const outside = keys.map(({ host, hostKey }) => ({ host: '127.0.0.1', port: host.sshPort, publicKey: hostKey.publicKey }))
  const inside = keys.map(({ host, hostKey }) => ({ host: host.linkAddress, port: 22, publicKey: hostKey.publicKey }))
  const authorized = [visitor.publicKey, ...keys.map(key => key.rootKey.publicKey)].map(key => `${key}\n`).join('')
  const heartbeatTo = { group: heartbeatGroup, hosts: hosts.map(host => host.linkAddress) }
  await writeFile(knownHostsFile, knownHosts(outside), { mode: 0o600 })
  for (const { host, hostKey, rootKey } of keys) {
    await writeArchive(host.folder, [
      { path: 'etc/lab/host', text: `LAB_NAME=${host.name}\nLAB_ADDRESS=${host.linkAddress}\nLAB_GROUP=${heartbeatGroup}\n` },
      { path: 'etc/lab/authorized_keys', text: authorized },
      { path: 'etc/lab/root_key', text: rootKey.privateKey, mode: 0o600 },
      { path: 'etc/ssh/ssh_host_ed25519_key', text: hostKey.privateKey, mode: 0o600 },
      { path: 'etc/ssh/ssh_known_hosts', text: knownHosts(inside) },
      { path: 'etc/hosts', text: ['127.0.0.1 localhost', ...hosts.map(each => `${each.linkAddress} ${each.name}`), ''].join('\n') },
      ...guests.map(guest => ({ path: `etc/xen/${guest.name}.cfg`, text: xlConfig(guest, heartbeatTo) })),
    ])
  }
}
