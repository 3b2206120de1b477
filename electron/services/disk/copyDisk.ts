/** Copies the disk of a guest that is shut down to another host: the two agents, from start to end. */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { Problem } from '../../../shared/errors.ts'
import type { Encoding } from '../../../shared/model/encoding.ts'
import type { DiskResult, Mode } from '../../../shared/model/run.ts'
import type { Side } from '../../../shared/model/runEvent.ts'
import type { TaskEnd } from '../migration/agentTask.ts'
import type { HostHandle } from '../migration/hostHandle.ts'
import type { Receiver } from '../migration/receiver.ts'
import type { MigrationTiming } from '../migration/timing.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { addMessage, noFigures } from '../../../shared/model/runFigures.ts'
import { AgentTask } from '../migration/agentTask.ts'
import { oneTimeKey } from '../migration/key.ts'
import { causeOf } from '../migration/problems.ts'
import { startDiskReceiver } from '../migration/receiver.ts'

export interface DiskCopyRequest {
  source: HostHandle
  target: HostHandle
  /** File or block device at the source. */
  path: string
  to: { path: string, overwrite: boolean }
  mode: Mode
  /** Of an ME2 copy. */
  encoding: Encoding
  link: 'sealed' | 'plain'
  rateMbit: number | null
  verify: boolean
  targetAddress: string
  timing: MigrationTiming
  onMessage: (side: Side, message: AgentMessage) => void
}

export interface DiskCopyJob {
  /** What was made at the target is removed then. */
  cancel: () => void
  /** Rejects with why the copy is not complete. */
  result: Promise<DiskResult>
}

/** Bytes of a file or a block device. Throws `usage`. */
async function diskBytes(host: HostHandle, path: string, timeoutMs: number): Promise<number> {
  const { connection } = await host.session()
  const script = 'if [ -b "$1" ]; then blockdev --getsize64 "$1"; else stat -L -c %s -- "$1"; fi'
  const { code, stdout } = await connection.exec(['sh', '-c', script, 'sh', path], { asRoot: connection.root, timeoutMs })
  const bytes = /^\d{1,15}\s*$/.test(stdout.toString('utf8')) ? Number(stdout.toString('utf8')) : 0
  if (code !== 0 || bytes === 0)
    throw new Me2Error('usage', `There is no disk ${path} on ${host.name}.`, 'Give the path of a raw file or a block device there.')
  return bytes
}

function sendArguments({ path, mode, encoding, link, rateMbit, verify }: DiskCopyRequest, to: string): string[] {
  const { encoder, level, cacheMiB } = encoding
  return [
    'disk-send', '--disk', path, '--disk-to', to, '--mode', mode, '--link', link,
    ...(mode === 'me2' ? ['--encoder', encoder, '--cache', String(cacheMiB)] : []),
    ...(mode === 'me2' && level !== null ? ['--level', String(level)] : []),
    ...(rateMbit === null ? [] : ['--rate', String(rateMbit)]),
    ...(verify ? [] : ['--no-verify']),
  ]
}

class DiskCopy {
  private readonly request: DiskCopyRequest
  private readonly stop = new AbortController()
  private sender: AgentTask | null = null
  private figures = noFigures

  constructor(request: DiskCopyRequest) {
    this.request = request
  }

  cancel(): void {
    this.stop.abort()
    this.sender?.closeStdin()
  }

  private take(side: Side, message: AgentMessage): void {
    this.figures = addMessage(this.figures, side, message)
    this.request.onMessage(side, message)
  }

  async run(): Promise<DiskResult> {
    const { source, target, path, to, link, targetAddress, timing } = this.request
    const bytes = await diskBytes(source, path, timing.requestMs)
    const key = oneTimeKey()
    const receiver = await startDiskReceiver(await target.session(), { ...to, bytes }, {
      link,
      address: targetAddress,
      key,
      listenMs: timing.listenMs,
      onMessage: message => this.take('target', message),
    })
    let targetProblem: Problem | null
    let sent: TaskEnd
    try {
      if (this.stop.signal.aborted)
        throw new Me2Error('cancelled', 'The copy was cancelled.')
      const { agent } = await source.session()
      this.sender = await AgentTask.start(agent, sendArguments(this.request, receiver.to), message => this.take('source', message))
      this.sender.send(key)
      sent = await this.sender.ended
    }
    finally {
      targetProblem = await this.endOf(receiver)
    }
    return this.conclude(sent.lost, sent.problem && causeOf(sent.problem, [targetProblem]))
  }

  /** What the target says of its end; null: nothing is wrong there, or it does not end. */
  private async endOf({ task }: Receiver): Promise<Problem | null> {
    const { endMs } = this.request.timing
    if (!await task.endsWithin(endMs))
      task.closeStdin()
    return await task.endsWithin(endMs) ? (await task.ended).problem : null
  }

  private conclude(lost: boolean, problem: Problem | null): DiskResult {
    const { disk } = this.figures
    if (this.stop.signal.aborted && !disk?.kept)
      throw new Me2Error('cancelled', 'The copy was cancelled.')
    if (problem)
      throw new Me2Error(problem.code, problem.message, problem.action)
    if (lost || !disk?.kept)
      throw new Me2Error('connection-lost', 'The copy did not come to its end.', 'The disk at the source is as it was. Copy it again.')
    return disk
  }
}

export function startDiskCopy(request: DiskCopyRequest): DiskCopyJob {
  const copy = new DiskCopy(request)
  return { cancel: () => copy.cancel(), result: copy.run() }
}
