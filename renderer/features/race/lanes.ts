/** What the screen says of lanes: the five figures, the words for what goes on, and what the charts show. Pure. */
import type { LaneState } from '../../../shared/model/lane.ts'
import type { LanePair } from '../../../shared/model/raceState.ts'
import type { Mode } from '../../../shared/model/run.ts'
import type { ChartMark } from '../../charts/marks.ts'
import { formatBytes, formatCount, formatMs } from '../../../shared/model/format.ts'
import { dirtyRates, finishMs, leftNow, leftOver, rateNow, roundNow } from '../../../shared/model/lane.ts'
import { pageBytes } from '../../../shared/model/pageClass.ts'
import { isRunning, running } from '../../../shared/model/raceState.ts'
import { valueAt } from '../../../shared/model/series.ts'

export type Translate = (key: string, values?: Record<string, unknown>) => string

export interface LaneFigure {
  id: 'sent' | 'round' | 'left' | 'rate' | 'last'
  /** Empty: nothing to tell yet. */
  value: string
  unit: string
  label: string
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}

function seconds(ms: number): string {
  return formatMs(ms).slice(0, -2)
}

function isOver(lane: LaneState): boolean {
  return finishMs(lane) !== null || lane.phase === 'ended'
}

function sentFigure(lane: LaneState, t: Translate): LaneFigure {
  return { id: 'sent', value: megabytes(lane.figures.linkBytes + (lane.disk?.linkBytes ?? 0)), unit: 'MB', label: t(isOver(lane) ? 'race.figure.sent' : 'race.figure.sentSoFar') }
}

function roundFigure(lane: LaneState, t: Translate): LaneFigure {
  const round = roundNow(lane)
  return { id: 'round', value: round === null ? '' : String(round), unit: '', label: t(isOver(lane) ? 'race.figure.rounds' : 'race.figure.round', { n: round ?? 0 }) }
}

/** How many pages a later round has is known when it is over; until then it says how many it has handled. */
function leftFigure(lane: LaneState, t: Translate): LaneFigure {
  const left = leftNow(lane)
  if (left !== null)
    return { id: 'left', value: formatCount(left), unit: t('race.unit.pages'), label: t(lane.openRound ? 'race.figure.leftInRound' : 'race.figure.left') }
  return { id: 'left', value: formatCount(lane.openRound?.handled.at(-1)?.y ?? 0), unit: t('race.unit.pages'), label: t('race.figure.handled') }
}

function rateFigure(lane: LaneState, t: Translate): LaneFigure {
  const rate = rateNow(lane)
  return { id: 'rate', value: rate === null ? '' : megabytes(rate), unit: 'MB/s', label: t(lane.figures.totalMs === null ? 'race.figure.rateNow' : 'race.figure.rateAverage') }
}

/** The pause once there is one; before it what the guest writes, and what the link could carry of it as whole pages. */
function lastFigure(lane: LaneState, t: Translate): LaneFigure {
  if (lane.suspendedMs !== null) {
    const ms = lane.pauseMs ?? (lane.doneMs ?? lane.nowMs) - lane.suspendedMs
    return { id: 'last', value: seconds(ms), unit: 's', label: t(lane.pauseMs === null && !isOver(lane) ? 'race.figure.pausedSoFar' : 'race.figure.paused') }
  }
  const dirtied = dirtyRates(lane.rounds).findLast(rate => rate !== null)
  const { rateMbit } = lane.run.settings
  const label = rateMbit === null ? t('race.figure.dirtied') : t('race.figure.dirtiedOf', { pages: formatCount(rateMbit * 1e6 / 8 / pageBytes) })
  return { id: 'last', value: dirtied === undefined ? '' : formatCount(dirtied), unit: t('race.unit.pagesPerSecond'), label }
}

/** Always five, in the same order. */
export function figuresOf(lane: LaneState | null, t: Translate): LaneFigure[] {
  if (!lane) {
    return (['sent', 'round', 'left', 'rate', 'last'] as const).map(id => ({ id, value: '', unit: '', label: t(`race.figure.${id === 'last' ? 'paused' : id === 'round' ? 'rounds' : id}`) }))
  }
  return [sentFigure, roundFigure, leftFigure, rateFigure, lastFigure].map(figure => figure(lane, t))
}

/** What the lane does now, in words. */
export function laneWords(lane: LaneState | null, t: Translate): string {
  if (!lane)
    return t('race.phase.waiting')
  const { run, phase } = lane
  const names = { guest: run.guest.name, from: run.from.name, to: run.to.name, n: roundNow(lane) ?? 1 }
  if (phase !== 'ended')
    return t(`race.phase.${phase}`, names)
  const totalMs = run.result?.totalMs ?? null
  if (run.result?.outcome === 'migrated' && totalMs !== null)
    return t('race.phase.done', { ...names, time: formatMs(totalMs) })
  return t(`race.outcome.${run.result?.outcome ?? 'unknown'}`, names)
}

function present(lanes: LanePair): LaneState[] {
  return [lanes.stock, lanes.me2].filter(lane => lane !== null)
}

/** The newest instant of the lanes that still race; null when none does. */
export function raceNowMs(lanes: LanePair): number | null {
  const racing = present(lanes).filter(lane => isRunning(lane) && finishMs(lane) === null)
  return racing.length === 0 ? null : Math.max(...racing.map(({ nowMs }) => nowMs))
}

/** The longest of the lanes, with a little of what follows. */
export function extentMs(lanes: LanePair): number {
  return Math.max(5000, ...present(lanes).map(lane => (finishMs(lane) ?? lane.nowMs) * 1.02))
}

/** `ME2 is here, 6.8 s`. */
export function cursorWords(lanes: LanePair, timeMs: number, t: Translate): string {
  const modes = running(lanes)
  const time = formatMs(timeMs)
  return modes.length === 1 ? t('race.chart.here', { name: t(`race.mode.${modes[0]!}`), time }) : t('race.chart.now', { time })
}

type Line = 'sent' | 'left' | 'rate'

export function pointsOf(lane: LaneState, line: Line) {
  return line === 'left' ? leftOver(lane) : lane[line]
}

function endText(lane: LaneState, mode: Mode, line: Line, y: number, t: Translate): string {
  const name = t(`race.mode.${mode}`)
  if (line === 'left')
    return `${name} ${formatCount(y)}`
  const totalMs = lane.figures.totalMs
  return totalMs === null ? `${name} ${formatBytes(y)}` : t('race.chart.sentIn', { name, sent: formatBytes(y), time: formatMs(totalMs) })
}

/** Where the lane's line ends; nothing for a round line that has come down to 0. */
function endMark(lane: LaneState, mode: Mode, line: Line, t: Translate): ChartMark[] {
  const last = pointsOf(lane, line).at(-1)
  if (!last || line === 'rate' || (line === 'left' && (!isRunning(lane) || leftNow(lane) === null)))
    return []
  const nudge = line === 'sent' && isRunning(lane) ? 0.7 : 0
  return [{ x: last.x, y: last.y, tone: mode, dot: true, text: endText(lane, mode, line, last.y, t), nudge }]
}

/** The finished lane's value at the other one's instant. */
function atCursor(lane: LaneState, mode: Mode, line: Line, timeMs: number, t: Translate): ChartMark[] {
  const end = finishMs(lane)
  if (isRunning(lane) || line === 'rate' || end === null || timeMs >= end)
    return []
  const y = valueAt(pointsOf(lane, line), timeMs)
  if (y === null)
    return []
  const had = line === 'left' ? t('race.chart.hadLeft', { pages: formatCount(y) }) : t('race.chart.hadSent', { sent: formatBytes(y) })
  return [{ x: timeMs, y, tone: mode, dot: true, text: `${t(`race.mode.${mode}`)} ${had}`, nudge: line === 'left' ? -0.7 : 0.7 }]
}

/** Dots with words for one chart; the ends first, because later words make way. */
export function marksOf(lanes: LanePair, line: Line, timeMs: number | null, t: Translate): ChartMark[] {
  const each = (['me2', 'stock'] as const).flatMap(mode => lanes[mode] ? [{ mode, lane: lanes[mode] }] : [])
  return [
    ...each.flatMap(({ mode, lane }) => endMark(lane, mode, line, t)),
    ...(timeMs === null || each.length < 2 ? [] : each.flatMap(({ mode, lane }) => atCursor(lane, mode, line, timeMs, t))),
  ]
}
