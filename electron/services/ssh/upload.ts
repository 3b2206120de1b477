/**
 * Puts a file on a host so that its name never stands for half a file: written under a temporary name in the same
 * folder, compared by SHA-256 on the host, given its mode, renamed.
 */
import type { Client, SFTPWrapper } from 'ssh2'
import type { HostConnection } from './types.ts'
import { createHash, randomBytes } from 'node:crypto'
import { Me2Error } from '../../../shared/errors.ts'
import { connectionLost } from './remoteProcess.ts'

export interface UploadHost {
  client: Client
  exec: HostConnection['exec']
  /** sftp runs as the user who logged in; where root comes from sudo the file goes through `cat` instead. */
  viaSudo: boolean
  host: string
}

/**
 * @throws Me2Error `disk-full`, `upload-damaged`, `connection-lost`, or `system` with what the host said.
 * But for a lost connection, nothing of the file is left behind.
 */
export async function uploadFile(host: UploadHost, bytes: Buffer, remotePath: string, mode: number): Promise<void> {
  const temporary = `${remotePath}.${randomBytes(6).toString('hex')}.part`
  try {
    if (host.viaSudo || !await writeBySftp(host, bytes, temporary))
      await writeByCat(host, bytes, temporary)
    await compare(host, bytes, temporary)
    await runShell(host, 'chmod "$1" "$2" && mv -f "$2" "$3"', [mode.toString(8), temporary, remotePath])
  }
  catch (error) {
    await host.exec(['rm', '-f', temporary], { asRoot: host.viaSudo }).catch(() => {})
    throw error
  }
}

/** False if it did not work, whatever the reason: `cat` then says why, which sftp's status codes do not. */
async function writeBySftp(host: UploadHost, bytes: Buffer, file: string): Promise<boolean> {
  const sftp = await openSftp(host)
  if (sftp === undefined)
    return false
  try {
    const written = new Promise<boolean>(resolve => sftp.writeFile(file, bytes, { mode: 0o600 }, error => resolve(!error)))
    const closed = new Promise<boolean>(resolve => host.client.once('close', () => resolve(false)))
    return await Promise.race([written, closed])
  }
  finally {
    sftp.end()
  }
}

async function openSftp({ client, host }: UploadHost): Promise<SFTPWrapper | undefined> {
  return new Promise((resolve, reject) => {
    try {
      client.sftp((error, sftp) => resolve(error ? undefined : sftp))
    }
    catch {
      reject(connectionLost(host))
    }
  })
}

async function writeByCat(host: UploadHost, bytes: Buffer, file: string): Promise<void> {
  await runShell(host, 'umask 077 && cat > "$1"', [file], bytes)
}

async function compare(host: UploadHost, bytes: Buffer, file: string): Promise<void> {
  const printed = await runShell(host, 'sha256sum < "$1"', [file])
  const expected = createHash('sha256').update(bytes).digest('hex')
  if (printed.slice(0, 64) !== expected)
    throw new Me2Error('upload-damaged', `What arrived on ${host.host} is not what was sent (SHA-256 differs).`, 'Try again; if it happens again, check the host\'s disk and memory.')
}

/** Runs a fixed script with its values as arguments; returns what it prints. */
async function runShell(host: UploadHost, script: string, values: readonly string[], input?: Buffer): Promise<string> {
  const result = await host.exec(['env', 'LC_ALL=C', 'sh', '-c', script, 'sh', ...values], { input, asRoot: host.viaSudo })
  if (result.code === 0)
    return result.stdout.toString('latin1')
  const said = result.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
  if (/no space left|file too large|disk quota|file size limit/i.test(result.stderr))
    throw new Me2Error('disk-full', `${host.host} has no room for the file: ${said}`, 'Free some space on the host.')
  throw new Me2Error('system', `${host.host} could not store the file: ${said}`, 'Look at the folder\'s rights on the host.')
}
