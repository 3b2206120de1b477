/** How much the link carries, measured by the transport that the migration will use. */
import type { Problem } from '../../../../shared/errors.ts'
import type { HostHandle } from '../hostHandle.ts'
import type { MigrationTiming } from '../timing.ts'
import type { LinkMeasurement } from './facts.ts'
import { AgentTask } from '../agentTask.ts'
import { oneTimeKey } from '../key.ts'
import { asProblem } from '../problems.ts'
import { startReceiver } from '../receiver.ts'

const silent = { code: 'link', message: 'The link test did not come to an end.', action: 'Check the network between the hosts.' } as const

export interface MeasureOptions {
  source: HostHandle
  target: HostHandle
  link: 'sealed' | 'plain'
  /** The target's. */
  address: string
  timing: MigrationTiming
}

export async function measureLink({ source, target, link, address, timing }: MeasureOptions): Promise<LinkMeasurement | Problem> {
  const key = oneTimeKey()
  const ignore = (): void => {}
  try {
    const receiver = await startReceiver(await target.session(), { link, address, key, guest: null, measure: true,
      patient: false, listenMs: timing.listenMs, onMessage: ignore })
    try {
      const { agent } = await source.session()
      const test = await AgentTask.start(agent, ['link-test', '--link', link, '--to', receiver.to], ignore)
      test.send(key)
      const measured = await test.message('linkTest', timing.requestMs)
      test.closeStdin()
      if (measured)
        return { bytesPerSecond: measured.bytesPerSecond }
      return await test.endsWithin(timing.endMs) ? (await test.ended).problem ?? silent : silent
    }
    finally {
      receiver.task.closeStdin()
      await receiver.task.endsWithin(timing.endMs)
    }
  }
  catch (error) {
    return asProblem(error)
  }
}
