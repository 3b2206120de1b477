import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { DiskLane } from '../../../shared/model/diskLane.ts'
import { expect, it } from 'vitest'
import { addDiskEvent } from '../../../shared/model/diskLane.ts'
import { addMessage, noFigures } from '../../../shared/model/runFigures.ts'

const counts = { blocks: 100, constant: 10, encoded: 80, raw: 10, delta: 0, reference: 0, linkBytes: 200_000 }
const messages: AgentMessage[] = [
  { t: 'disk', ns: 1, phase: 'prepare', pass: 0, done: 0, planned: 0, pending: 0, ...counts, blocks: 0, linkBytes: 0 },
  { t: 'diskStart', ns: 2, bytes: 4_096_000, blocks: 1000, leftOut: 700, tracked: 'trace', notTraced: null, notExplored: null, ms: 5 },
  { t: 'disk', ns: 3, phase: 'copy', pass: 1, done: 100, planned: 300, pending: 200, ...counts },
  { t: 'diskFinal', ns: 4, blocks: 3, takenIn: 1, leftOut: 690, ms: 40 },
  { t: 'diskVerify', compared: 310, differing: 0, inFlight: 2, leftOut: 690 },
  { t: 'diskDone', kept: true, bytes: 4_096_000, leftOut: 690, passes: 3, ...counts, blocks: 320, linkBytes: 640_000, cpuMs: 12 },
]

function lanes(said: readonly AgentMessage[]): (DiskLane | null)[] {
  let lane: DiskLane | null = null
  return said.map(message => lane = addDiskEvent(lane, message))
}

it('shows the disk of a guest from its first word to its last', () => {
  expect(lanes(messages)).toMatchObject([
    { phase: 'prepare', blocks: 0 },
    { phase: 'copy', blocks: 1000, leftOut: 700 },
    { phase: 'copy', pass: 1, done: 100, planned: 300, linkBytes: 200_000, fates: { encoded: 80 } },
    { phase: 'done', leftOut: 690, finalMs: 40 },
    { phase: 'done' },
    { phase: 'done', sent: 320, linkBytes: 640_000 },
  ])
})

it('shows no disk where none goes along, never goes back, and tells a copy that was given up', () => {
  expect(lanes([{ t: 'suspended', ns: 1 }])).toEqual([null])
  const late = lanes([...messages.slice(0, 3), { ...messages[2]!, done: 50, linkBytes: 100_000 } as AgentMessage]).at(-1)
  expect(late).toMatchObject({ done: 100, linkBytes: 200_000 })
  expect(lanes([...messages.slice(0, 5), { ...messages[5]!, kept: false } as AgentMessage]).at(-1)).toMatchObject({ phase: 'dropped' })
})

it('tells that its writes are not traced any more, and that nothing stays out of a copy that lost track of them', () => {
  const lost: AgentMessage = { t: 'diskTracking', ns: 4, tracked: 'hash', notTraced: 'somebody else traces it', losses: 1 }
  const said = [...messages.slice(0, 3), lost]
  expect(lanes(said).at(-1)).toMatchObject({ leftOut: 0, notTraced: 'somebody else traces it' })
  const { disk } = said.reduce((figures, message) => addMessage(figures, 'source', message), noFigures)
  expect(disk).toMatchObject({ tracked: 'hash', notTraced: 'somebody else traces it' })
})

it('comes into the run\'s result, beside what its memory took', () => {
  const { disk, linkBytes } = messages.reduce((figures, message) => addMessage(figures, 'source', message), noFigures)
  expect(linkBytes).toBe(0)
  expect(disk).toEqual({
    bytes: 4_096_000, leftOut: 690, notExplored: null, tracked: 'trace', notTraced: null, blocks: 320, linkBytes: 640_000, passes: 3, kept: true,
    final: { blocks: 3, takenIn: 1, ms: 40 }, verify: { compared: 310, differing: 0, inFlight: 2 },
  })
})
