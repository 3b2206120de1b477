/** One migration between two hosts of a lab, through the console's own services, with everything the agents said. */
import type { DiskToMove } from '../../../electron/services/disk/diskToMove.ts'
import type { LabGuest, LabHost } from '../../../electron/services/lab/types.ts'
import type { CancelAnswer } from '../../../electron/services/migration/migrate.ts'
import type { MigrationTiming } from '../../../electron/services/migration/timing.ts'
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { Encoding } from '../../../shared/model/encoding.ts'
import type { RunResult } from '../../../shared/model/run.ts'
import type { RunEvent, Side } from '../../../shared/model/runEvent.ts'
import type { RunFigures } from '../../../shared/model/runFigures.ts'
import { join } from 'node:path'
import { deployAgent } from '../../../electron/services/agent/deploy.ts'
import { HostHandle } from '../../../electron/services/migration/hostHandle.ts'
import { startMigration } from '../../../electron/services/migration/migrate.ts'
import { defaultTiming } from '../../../electron/services/migration/timing.ts'
import { connect } from '../../../electron/services/ssh/connect.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { me2Leg, stockLeg } from '../../../shared/model/raceOrder.ts'

const resources = join(import.meta.dirname, '..', '..', '..', 'resources')
export const labResources = join(resources, 'lab')
export const agentPath = join(resources, 'agent', 'build', 'agent')

export interface TestHost extends LabHost {
  handle: HostHandle
}

/** Connects, and deploys that agent, when it is first asked for its session. */
export function openHost(host: LabHost, agent = agentPath): TestHost {
  const handle = new HostHandle(host.name, async () => {
    const connection = await connect(host.ssh, { ownKnownHostsFile: host.ssh.knownHostsFiles![0]!, timeoutMs: 60_000 })
    return { connection, agent: await deployAgent(connection, agent) }
  })
  return { ...host, handle }
}

export interface Attempt {
  result: RunResult
  messages: { side: Side, message: AgentMessage }[]
}

export interface AttemptOptions {
  mode?: 'stock' | 'me2'
  /** Of an ME2 migration; the paper's by default. */
  encoding?: Encoding
  rateMbit?: number | null
  verify?: boolean
  disk?: DiskToMove | null
  timing?: Partial<MigrationTiming>
  /** Called with every event; may act on the job. */
  onEvent?: (event: RunEvent, figures: RunFigures, cancel: () => CancelAnswer) => void
}

export async function migrateOnce(source: TestHost, target: TestHost, { name, heartbeatPort, address }: Pick<LabGuest, 'name' | 'heartbeatPort' | 'address'>, options: AttemptOptions): Promise<Attempt> {
  const { mode = 'me2', encoding = presets.paper, rateMbit = null, verify = true, disk = null, timing = {}, onEvent = () => {} } = options
  const messages: Attempt['messages'] = []
  const job = startMigration({
    source: source.handle,
    target: target.handle,
    guest: name,
    settings: { ...(mode === 'me2' ? me2Leg(encoding, rateMbit) : stockLeg(rateMbit)), link: 'sealed', verify, scrub: true },
    targetAddress: target.linkAddress,
    disk,
    owner: 'the tests on real Xen',
    timing: { ...defaultTiming, ...timing },
    heartbeat: { port: heartbeatPort, address },
    onEvent: (event, figures) => {
      if ('message' in event)
        messages.push({ side: event.from, message: event.message })
      onEvent(event, figures, () => job.cancel())
    },
  })
  return { result: await job.result, messages }
}
