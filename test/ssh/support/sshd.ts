/**
 * A real OpenSSH server on loopback, in a temporary folder, with its own host keys and accounts.
 * As root it runs in a mount namespace of its own, where /etc/passwd, /etc/shadow, /etc/sudoers and the PAM rules are
 * the test's; that gives several users, passwords, sudo and a full file system, and leaves the machine as it was.
 */
import type { ChildProcess } from 'node:child_process'
import type { SshTarget } from '../../../electron/services/ssh/types.ts'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** Every account of the test server has it. */
export const password = 'correct horse'
const passwordHash = '$6$me2lab$RjXxWiPo8EF.B0JELuAVY1dCzbXvP8uUQce0YKE310X1h9Kbi1iCUQ1dMfDUk3L.iuBUhq3lZD9SQrm6m9WSl.'

export const isRoot = process.getuid?.() === 0
export const needsRoot = 'needs root: the test server\'s accounts live in a mount namespace'

/** student: no sudo. operator: sudo without a password. admin: sudo with one. tutor: with one, but not for a shell. */
const accounts = { student: 4321, operator: 4322, admin: 4323, tutor: 4324 } as const
export type Account = keyof typeof accounts | 'root'

export interface TestServer {
  port: number
  folder: string
  /** Host key lines as in known_hosts, without the host. */
  hostKeys: Record<'ed25519' | 'rsa', string>
  /** A private key that every account accepts. */
  identityFile: string
  /** A world-writable file system of 256 KiB, made for being full. */
  smallDisk: string
  /** Target and known_hosts file for an account. */
  target: (user?: Account) => SshTarget
  log: () => string
  stop: () => Promise<void>
}

export interface ServerOptions {
  /** Further lines for sshd_config; the first mention of a keyword counts. */
  config?: readonly string[]
  /** Default: true. */
  sftp?: boolean
  /** Mount /run so that nothing in it can be executed. */
  noexecRun?: boolean
  /** Executables that come first in PATH on the host, by name: shell scripts. */
  commands?: Readonly<Record<string, string>>
}

export async function startServer({ config = [], commands = {}, sftp = true, noexecRun = false }: ServerOptions = {}): Promise<TestServer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'me2-sshd-'))
  execFileSync('chmod', ['755', folder])
  const identityFile = makeKey(path.join(folder, 'user_key'), 'ed25519')
  const hostKeys = {
    ed25519: publicKey(makeKey(path.join(folder, 'host_ed25519'), 'ed25519')),
    rsa: publicKey(makeKey(path.join(folder, 'host_rsa'), 'rsa')),
  }
  const commandFolder = path.join(folder, 'commands')
  mkdirSync(commandFolder)
  for (const [name, script] of Object.entries(commands))
    writeFileSync(path.join(commandFolder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  writeFileSync(path.join(folder, 'authorized_keys'), publicKey(identityFile))

  const port = await freePort()
  writeFileSync(path.join(folder, 'sshd_config'), [
    ...config,
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${folder}/host_ed25519`,
    `HostKey ${folder}/host_rsa`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    `PidFile none`,
    `SetEnv PATH=${commandFolder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    'StrictModes no',
    'PermitRootLogin yes',
    `UsePAM ${isRoot ? 'yes' : 'no'}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    ...(sftp ? ['Subsystem sftp internal-sftp'] : []),
  ].join('\n'))
  const server = isRoot ? startInNamespace(folder, noexecRun) : spawn('/usr/sbin/sshd', ['-D', '-e', '-f', `${folder}/sshd_config`])
  const log = await untilListening(server)

  const knownHostsFile = path.join(folder, 'known_hosts')
  writeFileSync(knownHostsFile, `[127.0.0.1]:${port} ${hostKeys.ed25519}`)
  return {
    port,
    folder,
    hostKeys,
    identityFile,
    smallDisk: path.join(folder, 'small'),
    target: user => ({
      host: '127.0.0.1',
      port,
      user: user ?? os.userInfo().username,
      identityFiles: [identityFile],
      knownHostsFiles: [knownHostsFile],
    }),
    log,
    async stop() {
      server.kill()
      await new Promise(resolve => server.exitCode === null ? server.once('exit', resolve) : resolve(undefined))
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    },
  }
}

/** Makes a key pair; returns the private key's file. */
export function makeKey(file: string, type: 'ed25519' | 'rsa', passphrase = ''): string {
  execFileSync('ssh-keygen', ['-q', '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : []), '-N', passphrase, '-C', 'test', '-f', file])
  return file
}

export function publicKey(file: string): string {
  return readFileSync(`${file}.pub`, 'utf8')
}

export async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => probe.once('listening', resolve))
  const { port } = probe.address() as net.AddressInfo
  await new Promise(resolve => probe.close(resolve))
  return port
}

function startInNamespace(folder: string, noexecRun: boolean): ChildProcess {
  const users = Object.entries(accounts)
  const line = (name: string, id: number): string => `${name}:x:${id}:${id}::${folder}/home/${name}:/bin/sh`
  mkdirSync(`${folder}/small`)
  mkdirSync(`${folder}/home/root`, { recursive: true })
  for (const [name, id] of users) {
    mkdirSync(`${folder}/home/${name}`)
    execFileSync('chown', [`${id}:${id}`, `${folder}/home/${name}`])
  }
  writeFileSync(`${folder}/passwd`, [line('root', 0), 'sshd:x:4300:65534::/run/sshd:/usr/sbin/nologin', ...users.map(([name, id]) => line(name, id)), ''].join('\n'))
  writeFileSync(`${folder}/shadow`, ['root', ...users.map(([name]) => name)].map(name => `${name}:${passwordHash}:19000:0:99999:7:::\n`).join(''), { mode: 0o600 })
  writeFileSync(`${folder}/sudoers`, [
    'root ALL=(ALL:ALL) ALL',
    'operator ALL=(ALL:ALL) NOPASSWD: ALL',
    'admin ALL=(ALL:ALL) ALL',
    'tutor ALL=(ALL:ALL) ALL',
    'tutor ALL=(ALL:ALL) NOPASSWD: /bin/sh, /usr/bin/sh',
    '',
  ].join('\n'), { mode: 0o440 })
  writeFileSync(`${folder}/pam`, 'auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n')
  const script = [
    'set -e',
    'for name in sshd sudo; do mount --bind "$0/pam" "/etc/pam.d/$name"; done',
    'for name in passwd shadow sudoers; do mount --bind "$0/$name" "/etc/$name"; done',
    `mount -t tmpfs -o mode=755${noexecRun ? ',noexec' : ''} tmpfs /run`,
    'mount -t tmpfs -o mode=755 tmpfs /var/lib',
    'mkdir /run/sshd',
    'mount -t tmpfs -o size=256k,mode=1777 tmpfs "$0/small"',
    'exec /usr/sbin/sshd -D -e -f "$0/sshd_config"',
  ].join('\n')
  return spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, folder])
}

/** Resolves when the server listens; the function that it returns gives the log so far. */
async function untilListening(server: ChildProcess): Promise<() => string> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('Server listening'))
        resolve()
    })
    server.once('exit', () => reject(new Error(`sshd did not start:\n${log}`)))
  })
  return () => log
}
