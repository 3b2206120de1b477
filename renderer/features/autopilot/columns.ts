/** Hosts as columns: where each block of load stands, and where a planned move would put it. Pure. */
import type { AutopilotHostView } from '../../../shared/contract/autopilot.ts'
import type { Plan } from '../../../shared/model/autopilot/planner.ts'

/** `left` and `right`: beside the columns, for the figures of the axis and the names of the thresholds. */
export const plot = { left: 44, right: 104, top: 34, bottom: 44, height: 430, leastSlot: 76, widestColumn: 190 } as const

export interface Block {
  /** Null: dom0. */
  guest: string | null
  share: number
  /** Of the host's processors, from the bottom. */
  fromShare: number
  isMoving: boolean
}

export interface Column {
  host: AutopilotHostView
  x: number
  width: number
  blocks: Block[]
  share: number
  /** After the planned move; null: it has no part in one. */
  shareAfter: number | null
  /** Where the guest would be; null: none comes. */
  ghost: { guest: string, fromShare: number, share: number } | null
}

export interface ColumnPlot {
  /** Of the columns. */
  width: number
  /** Share at the top of the plot. */
  topShare: number
  columns: Column[]
}

type PlannedMove = Extract<Plan['steps'][number], { kind: 'move' }>['move']

export function firstMove(plan: Plan | null): PlannedMove | null {
  return plan?.steps.flatMap(step => step.kind === 'move' ? [step.move] : [])[0] ?? null
}

function blocksOf({ cpus, dom0Cores, guests }: AutopilotHostView, moving: string | null): Block[] {
  const parts = [{ guest: null, cores: dom0Cores }, ...guests.toSorted((a, b) => b.cores - a.cores).map(({ name, cores }) => ({ guest: name, cores }))]
  let fromShare = 0
  return parts.map(({ guest, cores }) => {
    const block = { guest, share: cores / Math.max(1, cpus), fromShare, isMoving: guest !== null && guest === moving }
    fromShare += block.share
    return block
  })
}

function shareOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { share }) => sum + share, 0)
}

/** `width`: what there is, with the axis; the columns are wider than that where there are many, and scroll. */
export function columnPlot(hosts: readonly AutopilotHostView[], plan: Plan | null, width: number): ColumnPlot {
  const move = firstMove(plan)
  const room = Math.max(width - plot.left - plot.right, hosts.length * plot.leastSlot)
  const slot = room / Math.max(1, hosts.length)
  const columnWidth = Math.min(plot.widestColumn, slot * 0.72)
  const from = hosts.find(({ name }) => name === move?.from)
  const cores = from?.guests.find(({ name }) => name === move?.guest)?.cores ?? 0
  const columns = hosts.map((host, i): Column => {
    const blocks = blocksOf(host, host.name === move?.from ? move.guest : null)
    const share = shareOf(blocks)
    const shift = cores / Math.max(1, host.cpus)
    const comes = move !== null && host.name === move.to && cores > 0
    return {
      host, blocks, share,
      x: slot * (i + 0.5) - columnWidth / 2,
      width: columnWidth,
      shareAfter: comes ? share + shift : host.name === move?.from && cores > 0 ? share - shift : null,
      ghost: comes ? { guest: move.guest, fromShare: share, share: shift } : null,
    }
  })
  return { width: room, topShare: Math.max(1, ...columns.map(column => Math.max(column.share, column.shareAfter ?? 0))), columns }
}

export function yOf(share: number, topShare: number): number {
  return plot.top + (1 - share / topShare) * (plot.height - plot.top - plot.bottom)
}

/** From the block that goes to the place where it would be. */
export function moveArrow({ columns, topShare }: ColumnPlot): string | null {
  const source = columns.find(({ blocks }) => blocks.some(({ isMoving }) => isMoving))
  const target = columns.find(({ ghost }) => ghost !== null)
  if (!source || !target?.ghost)
    return null
  const block = source.blocks.find(({ isMoving }) => isMoving)!
  const goesRight = target.x > source.x
  const [x1, x2] = goesRight ? [source.x + source.width + 3, target.x - 5] : [source.x - 3, target.x + target.width + 5]
  const y1 = yOf(block.fromShare + block.share / 2, topShare)
  const y2 = yOf(target.ghost.fromShare + target.ghost.share / 2, topShare)
  const middle = (x1 + x2) / 2
  return `M${x1.toFixed(1)} ${y1.toFixed(1)} C${middle.toFixed(1)} ${y1.toFixed(1)} ${middle.toFixed(1)} ${y2.toFixed(1)} ${x2.toFixed(1)} ${y2.toFixed(1)}`
}

/** Nothing is known of its load now. */
export function isUnheard({ problem, evidence }: AutopilotHostView): boolean {
  return problem !== null && evidence?.load == null
}

const letterWidth = 7.2

/** As much of a name as `width` has room for. */
export function shortened(name: string, width: number): string {
  const letters = Math.max(1, Math.floor(width / letterWidth))
  return name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}…`
}
