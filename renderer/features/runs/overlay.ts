/** Several runs over each other: what they are called and which lines they give. Pure. */
import type { LaneState } from '../../../shared/model/lane.ts'
import type { Mode, RunSettings } from '../../../shared/model/run.ts'
import type { Point } from '../../../shared/model/series.ts'
import type { ChartMark } from '../../charts/marks.ts'
import { finishMs, heartbeatOf, leftOver } from '../../../shared/model/lane.ts'
import { modes } from '../../../shared/model/run.ts'

/** More lines cannot be told apart. */
export const mostOverlaid = 8

export interface OverlaidRun {
  id: string
  mode: Mode
  /** `ME2 rle`: what it shares with runs of the same kind. */
  method: string
  /** `ME2 rle 2`; without a number where it is the only one of its method. */
  name: string
  /** As `name`, where there is little room: `rle 2`. */
  short: string
  lane: LaneState
}

/** What a run is called in the user's language, in full and where there is little room. */
export interface RunNames {
  full: (settings: RunSettings) => string
  short: (settings: RunSettings) => string
}

/** In the order in which they were run. */
export function overlaid(lanes: readonly LaneState[], names: RunNames): OverlaidRun[] {
  const sorted = lanes.toSorted((a, b) => a.run.startedAt.localeCompare(b.run.startedAt))
  const methodOf = ({ run }: LaneState): string => names.full(run.settings)
  return sorted.map((lane, index) => {
    const method = methodOf(lane)
    const isOnly = sorted.filter(other => methodOf(other) === method).length === 1
    const number = isOnly ? '' : ` ${sorted.slice(0, index + 1).filter(other => methodOf(other) === method).length}`
    return { id: lane.run.id, mode: lane.mode, method, name: method + number, short: names.short(lane.run.settings) + number, lane }
  })
}

export const overlayLines = ['sent', 'left', 'rate'] as const
export type OverlayLine = typeof overlayLines[number]

/** A line of charts/LineChart.vue. */
interface OverlaidLine {
  id: string
  tone: Mode
  points: readonly Point[]
  faint: boolean
}

/** `marked`: the one run that stands out, if any. */
export function linesOf(runs: readonly OverlaidRun[], line: OverlayLine, marked: string | null = null): OverlaidLine[] {
  return runs.map(({ id, mode, method, lane }) => {
    const isOneOfMany = runs.filter(run => run.method === method).length > 1
    return { id, tone: mode, points: line === 'left' ? leftOver(lane) : lane[line], faint: marked === null ? isOneOfMany : marked !== id }
  })
}

function lastPoint({ lane }: OverlaidRun): Point {
  return lane.sent.at(-1) ?? { x: 0, y: 0 }
}

/** At the end that is farthest right: `Stock 292.4 MB`, or for several `Stock 1 – Stock 3`, whose own ends would cover each other. */
function markOf(runs: readonly OverlaidRun[]): ChartMark[] {
  const drawn = runs.filter(({ lane }) => lane.sent.length > 0)
  const [first] = drawn
  if (!first)
    return []
  const farthest = drawn.reduce((far, run) => lastPoint(run).x > lastPoint(far).x ? run : far)
  const { x, y } = lastPoint(farthest)
  const text = drawn.length === 1 ? `${first.name} ${(y / 1e6).toFixed(1)} MB` : `${first.name} – ${drawn.at(-1)!.name}`
  return [{ x, y, tone: first.mode, dot: true, text }]
}

/** The ends of the lines with their names, a method at a time; of the marked run only, where there is one. */
export function endMarks(runs: readonly OverlaidRun[], marked: string | null = null): ChartMark[] {
  const shown = runs.filter(({ id }) => marked === null || id === marked).toSorted((a, b) => modes.indexOf(a.mode) - modes.indexOf(b.mode))
  const methods = [...new Set(shown.map(({ method }) => method))]
  return methods.flatMap(method => markOf(shown.filter(run => run.method === method)))
}

/** Rows of charts/PhaseTimeline.vue. */
export function timelineRows(runs: readonly OverlaidRun[]) {
  return runs.map(({ id, mode, short, lane }) => ({ id, tone: mode, name: short, segments: lane.segments, heardMs: heartbeatOf(lane).heardMs, pauseMs: lane.pauseMs }))
}

/** The longest of the runs, with a little of what follows. */
export function overlayExtentMs(runs: readonly OverlaidRun[]): number {
  return Math.max(5000, ...runs.map(({ lane }) => (finishMs(lane) ?? lane.nowMs) * 1.02))
}

/** They are of one race, or the lines show more than the mode. */
export function isOneRace(runs: readonly OverlaidRun[]): boolean {
  return new Set(runs.map(({ lane: { run } }) => run.race?.id ?? run.id)).size <= 1
}
