/**
 * The agents of one migration, from the first one's start to the last one's end: `receive` on the target, and `disk-receive` if a
 * disk goes along, then `migrate` on the source (over `ssh` the source starts the target's end itself).
 */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { Problem } from '../../../shared/errors.ts'
import type { RunSettings } from '../../../shared/model/run.ts'
import type { Side } from '../../../shared/model/runEvent.ts'
import type { DiskToMove } from '../disk/diskToMove.ts'
import type { TaskEnd } from './agentTask.ts'
import type { HostHandle } from './hostHandle.ts'
import type { Receiver } from './receiver.ts'
import type { MigrationTiming } from './timing.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { isMigrateDone } from '../../../shared/model/runFigures.ts'
import { errorFrom } from '../agent/parse.ts'
import { AgentTask } from './agentTask.ts'
import { oneTimeKey } from './key.ts'
import { asProblem, causeOf } from './problems.ts'
import { startDiskReceiver, startReceiver } from './receiver.ts'

export interface TransferOptions {
  source: HostHandle
  target: HostHandle
  guest: string
  settings: Pick<RunSettings, 'mode' | 'encoder' | 'level' | 'cacheMiB' | 'link' | 'rateMbit' | 'verify' | 'scrub'>
  /** Where the source reaches the target: an IP address, for the link `ssh` USER@HOST. */
  targetAddress: string
  /** The guest's disk, if it goes along. */
  disk: DiskToMove | null
  /** Named to whoever finds this guest locked. */
  owner: string
  timing: MigrationTiming
  onMessage: (side: Side, message: AgentMessage) => void
  onNote: (note: string) => void
}

/** `remoteAgent`: the agent's path on the target, which the source needs for the link `ssh`. */
function migrateArguments(options: TransferOptions, { to, diskTo, remoteAgent }: { to: string, diskTo: string | null, remoteAgent: string }): string[] {
  const { guest, owner, settings: { mode, encoder, level, cacheMiB, link, rateMbit, verify, scrub } } = options
  return [
    'migrate', '--domain', guest, '--mode', mode, '--link', link, '--to', to, '--owner', owner,
    ...(encoder === null ? [] : ['--encoder', encoder, '--cache', String(cacheMiB)]),
    ...(level === null ? [] : ['--level', String(level)]),
    ...(rateMbit === null ? [] : ['--rate', String(rateMbit)]),
    ...(link === 'ssh' ? ['--remote-agent', remoteAgent] : []),
    ...(options.disk && diskTo !== null ? ['--disk', options.disk.device, '--disk-to', diskTo] : []),
    ...(verify ? [] : ['--no-verify']),
    ...(scrub ? [] : ['--no-scrub']),
  ]
}

function cancelled(): Me2Error {
  return new Me2Error('cancelled', 'The migration was cancelled.')
}

export class Transfer {
  private readonly options: TransferOptions
  private cancelAsked = false
  private receiver: Receiver | null = null
  private diskReceiver: Receiver | null = null
  private sender: AgentTask | null = null
  /** Why `migrate` says it did not succeed. */
  private reason: Problem | null = null

  constructor(options: TransferOptions) {
    this.options = options
  }

  /** Asks for an end; whether it comes is the agents' decision, which they take by the point of no return. */
  cancel(): void {
    this.cancelAsked = true
    this.sender?.send('cancel')
    if (!this.sender)
      this.endReceivers()
  }

  private endReceivers(): void {
    this.receiver?.task.closeStdin()
    this.diskReceiver?.task.closeStdin()
  }

  /** Resolves when both agents have ended, with what went wrong. */
  async run(): Promise<Problem | null> {
    try {
      const [key, diskKey] = [oneTimeKey(), oneTimeKey()]
      await this.startReceivingDisk(diskKey)
      await this.startReceiving(key)
      await this.startSending(key, diskKey)
    }
    catch (error) {
      this.endReceivers()
      await Promise.all([this.endOf(this.receiver), this.endOf(this.diskReceiver)])
      return this.cancelAsked ? cancelled().toProblem() : asProblem(error)
    }
    return this.bothEnds()
  }

  private async startReceiving(key: string): Promise<void> {
    const { target, targetAddress, guest, settings: { link }, timing, onMessage } = this.options
    if (link === 'ssh')
      return
    this.receiver = await startReceiver(await target.session(), {
      link,
      address: targetAddress,
      key,
      guest,
      measure: false,
      patient: this.options.disk !== null,
      listenMs: timing.listenMs,
      onMessage: message => onMessage('target', message),
    })
  }

  /** First: a disk's target may have no room, or be in use. */
  private async startReceivingDisk(key: string): Promise<void> {
    const { target, targetAddress, disk, settings: { link }, timing, onMessage } = this.options
    if (!disk)
      return
    if (link === 'ssh')
      throw new Me2Error('usage', 'A disk does not travel over the link ssh.', 'Choose the link sealed.')
    this.diskReceiver = await startDiskReceiver(await target.session(), disk.to, {
      link,
      address: targetAddress,
      key,
      listenMs: timing.listenMs,
      onMessage: message => onMessage('target', message),
    })
  }

  private async startSending(key: string, diskKey: string): Promise<void> {
    const { source, target, settings, targetAddress } = this.options
    const [{ agent }, remote] = await Promise.all([source.session(), target.session()])
    if (this.cancelAsked)
      throw cancelled()
    const args = migrateArguments(this.options, { to: this.receiver?.to ?? targetAddress, diskTo: this.diskReceiver?.to ?? null, remoteAgent: remote.agent.path })
    this.sender = await AgentTask.start(agent, args, message => this.hearSource(message))
    const cancelledMeanwhile = this.cancelAsked
    if (settings.link !== 'ssh')
      this.sender.send(key)
    if (this.diskReceiver)
      this.sender.send(diskKey)
    if (cancelledMeanwhile)
      this.sender.send('cancel')
  }

  private hearSource(message: AgentMessage): void {
    if (isMigrateDone(message) && message.reason !== null) {
      const text = message.message ?? 'xl ended with an error; see its own lines.'
      this.reason = errorFrom({ t: 'error', code: message.reason, message: text, action: '' }).toProblem()
    }
    this.options.onMessage('source', message)
  }

  /** The source's end comes first: it is the one that gives the guest away. The target then ends by itself. */
  private async bothEnds(): Promise<Problem | null> {
    const source = await this.sender!.ended
    const targets = await Promise.all([this.endOf(this.receiver), this.endOf(this.diskReceiver)])
    if (source.lost)
      return lostProblem(this.options.source)
    const lost = targets.some(target => target?.lost) ? lostProblem(this.options.target) : null
    const problem = causeOf(source.problem ?? this.reason ?? lost, targets.map(target => target?.problem ?? null))
    return problem?.code === 'cancelled' ? cancelled().toProblem() : problem
  }

  private async endOf(receiver: Receiver | null): Promise<TaskEnd | null> {
    const { timing, target, onNote } = this.options
    if (!receiver)
      return null
    const { task } = receiver
    if (await task.message('connected', 0) === null)
      task.closeStdin() // nobody will come any more
    if (!await task.endsWithin(timing.drainMs))
      task.closeStdin()
    if (await task.endsWithin(timing.endMs))
      return task.ended
    onNote(`The agent on ${target.name} did not end.`)
    return null
  }
}

function lostProblem({ name }: HostHandle): Problem {
  return {
    code: 'connection-lost',
    message: `The connection to ${name} was lost during the migration, so its figures are not complete.`,
    action: 'See where the guest is before you start another run.',
  }
}
