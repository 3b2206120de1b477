/** Live maps for the screens, as the contract's messages. Each costs an agent on its host, so there are only so many at a time. */
import type { MapFrame, MapRun } from '../../../shared/agent/mapFrame.ts'
import type { MapMessage } from '../../../shared/contract/memory.ts'
import type { HostRegistry } from '../hosts/hostRegistry.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { openGuestMap } from './guestMap.ts'

export interface WhichMap {
  host: string
  guest: string
  everyMs: number
}

const maxMaps = 8

function flat(runs: readonly MapRun[]): number[] {
  return runs.flatMap(({ first, count, classNumber }) => [first, count, classNumber])
}

function toMessage(frame: MapFrame): MapMessage {
  const ms = frame.ns / 1e6
  switch (frame.kind) {
    case 'snapshot': return { kind: 'snapshot', sequence: frame.sequence, ms, frames: frame.classes.length, runs: frame.runs }
    case 'delta': return { kind: 'delta', sequence: frame.sequence, ms, changes: flat(frame.changes) }
    case 'written': return { kind: 'written', ms, sweepMs: frame.sweepMs, runs: flat(frame.runs) }
  }
}

export class GuestMaps {
  private readonly hosts: HostRegistry
  private open = 0

  constructor(hosts: HostRegistry) {
    this.hosts = hosts
  }

  /**
   * Follows a guest's map until the signal or the consumer ends it; the agent on the host ends with it. Throws `busy` when
   * too many are open, `host-unreachable` for a host that is not connected, the agent's own errors.
   */
  async* follow(which: WhichMap, signal?: AbortSignal): AsyncGenerator<MapMessage> {
    if (this.open === maxMaps)
      throw new Me2Error('busy', `${maxMaps} memory maps are open already.`, 'Close one, here or in another window.')
    this.open++
    try {
      yield* this.messages(which, signal)
    }
    finally {
      this.open--
    }
  }

  private async* messages({ host, guest, everyMs }: WhichMap, signal?: AbortSignal): AsyncGenerator<MapMessage> {
    const { agent } = await this.hosts.connectedHost(host).handle.session()
    const map = await openGuestMap(agent, guest, { everyMs, written: true })
    const close = (): void => map.close()
    signal?.addEventListener('abort', close)
    try {
      if (signal?.aborted)
        return
      yield { kind: 'opened', kernel: map.kernel }
      for await (const frame of map.frames)
        yield toMessage(frame)
    }
    finally {
      signal?.removeEventListener('abort', close)
      close()
    }
  }
}
