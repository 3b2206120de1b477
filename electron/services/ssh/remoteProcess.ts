/** One command on a host: from SSH channel to process, and from process to result. */
import type { Readable } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import type { ExecResult, RemoteProcess } from './types.ts'
import { Me2Error } from '../../../shared/errors.ts'

export interface ExecLimits {
  /** What the command says, for messages. */
  name: string
  host: string
  maxBytes: number
  /** Default 64 KiB; what comes after is dropped. */
  maxStderrBytes?: number
  timeoutMs?: number
  signal?: AbortSignal
}

const defaultMaxStderrBytes = 64 * 1024

export function connectionLost(host: string): Me2Error {
  return new Me2Error('connection-lost', `The connection to ${host} was lost.`, 'Check the network and that the host is up, then connect again.')
}

/**
 * Starts one command line.
 *
 * @throws Me2Error `connection-lost`, or `system` when the host opens no further session.
 */
export async function startProcess(client: Client, host: string, commandLine: string): Promise<RemoteProcess> {
  return new Promise((resolve, reject) => {
    const start = (error: Error | undefined, channel: ClientChannel): void => {
      if (error === undefined)
        resolve(processOf(client, channel))
      else if (error.message.includes('open failure'))
        reject(new Me2Error('system', `${host} opens no further session.`, 'Its sshd may limit them (MaxSessions); close other windows.', { cause: error }))
      else
        reject(connectionLost(host))
    }
    try {
      client.exec(commandLine, start)
    }
    catch {
      reject(connectionLost(host))
    }
  })
}

function processOf(client: Client, channel: ClientChannel): RemoteProcess {
  const exit = Promise.withResolvers<Awaited<RemoteProcess['exit']>>()
  const onLost = (): void => exit.resolve({ code: null, signal: null, lost: true })
  channel.once('exit', (code: number | null, signal?: string) => exit.resolve({ code, signal: signal ?? null, lost: false }))
  channel.once('close', onLost)
  // A channel's own 'close' waits until its output has been read, which nobody may be doing.
  client.once('close', onLost)
  void exit.promise.then(() => client.off('close', onLost))
  // Writing to a process that has gone is no event of its own: its exit tells.
  channel.on('error', () => {})
  return {
    stdin: channel.stdin,
    stdout: channel.stdout,
    stderr: channel.stderr,
    exit: exit.promise,
    close() {
      exit.resolve({ code: null, signal: null, lost: false })
      channel.close()
    },
  }
}

/**
 * Waits for a command's end and collects its output.
 *
 * @throws Me2Error `output-too-large`, `connection-lost`, `cancelled`, or `system` when the time is over;
 * the command is ended in each case, as far as closing its channel can.
 */
export async function collect(process: RemoteProcess, limits: ExecLimits): Promise<ExecResult> {
  const failed = Promise.withResolvers<never>()
  const onAbort = (): void => failed.reject(new Me2Error('cancelled', `${limits.name} on ${limits.host} was cancelled.`))
  const timer = limits.timeoutMs === undefined ? undefined : setTimeout(() => failed.reject(timedOut(limits)), limits.timeoutMs)
  limits.signal?.addEventListener('abort', onAbort)
  if (limits.signal?.aborted)
    onAbort()
  try {
    const stdout = readAll(process.stdout, limits.maxBytes, () => failed.reject(tooLarge(limits)))
    const stderr = readAll(process.stderr, limits.maxStderrBytes ?? defaultMaxStderrBytes, () => {})
    const ended = Promise.all([process.exit, stdout, stderr])
    const [exit, out, err] = await Promise.race([ended, failed.promise])
    if (exit.lost)
      throw connectionLost(limits.host)
    return { code: exit.code, signal: exit.signal, stdout: out, stderr: err.toString('utf8') }
  }
  catch (error) {
    process.close()
    throw error
  }
  finally {
    clearTimeout(timer)
    limits.signal?.removeEventListener('abort', onAbort)
  }
}

/** Reads to the end; past the limit it says so once and drops the rest. */
async function readAll(stream: Readable, maxBytes: number, onTooLarge: () => void): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    const room = maxBytes - bytes
    bytes += chunk.length
    if (room > 0)
      chunks.push(chunk.subarray(0, room))
    if (chunk.length > room)
      onTooLarge()
  })
  await new Promise((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
  return Buffer.concat(chunks)
}

function tooLarge({ name, host, maxBytes }: ExecLimits): Me2Error {
  return new Me2Error('output-too-large', `${name} on ${host} printed more than ${maxBytes} bytes.`, 'This is not what that command should print; look at it on the host.')
}

function timedOut({ name, host, timeoutMs }: ExecLimits): Me2Error {
  return new Me2Error('system', `${name} on ${host} did not end within ${timeoutMs} ms.`, 'Look at what keeps it busy on the host.')
}
