/** The charts of some runs as one picture to keep: sent, pages left, rate and phases over one time axis. */
import type { Point } from '../../../shared/model/series.ts'
import type { Colours } from '../../charts/colours.ts'
import type { TimeAxis } from '../../charts/geometry.ts'
import type { OverlaidRun } from './overlay.ts'
import { formatMs } from '../../../shared/model/format.ts'
import { ticksOf, tickText, timeAxis, valueAxis } from '../../charts/geometry.ts'
import { fontOf } from '../../charts/linePlugin.ts'
import { placeTexts } from '../../charts/marks.ts'
import { endMarks, linesOf, overlayExtentMs, overlayLines } from './overlay.ts'

export interface PictureWords {
  title: string
  /** Hosts, cap, date. */
  subtitle: string
  /** What a reader must know: emulated CPU, recording. */
  tags: readonly string[]
  charts: Record<typeof overlayLines[number], { title: string, unit: string }>
  phases: string
}

const width = 1280
const margin = 32
const plot = { left: margin + 56, right: width - margin - 8 }
const headHeight = 84
const titleHeight = 30
const panelHeights = { sent: 250, left: 170, rate: 130 } as const
const panelGap = 16
const axisHeight = 28
const rowHeight = 40
const barHeight = 20
const sharpness = 2

interface Panel {
  top: number
  bottom: number
  /** The highest value, in the chart's own unit. */
  max: number
}

class Sheet {
  private readonly context: CanvasRenderingContext2D
  readonly colours: Colours
  private readonly axis: TimeAxis

  constructor(context: CanvasRenderingContext2D, colours: Colours, axis: TimeAxis) {
    this.context = context
    this.colours = colours
    this.axis = axis
  }

  x(ms: number): number {
    return plot.left + Math.min(Math.max(ms / this.axis.maxMs, 0), 1) * (plot.right - plot.left)
  }

  fill(x: number, y: number, wide: number, high: number, colour: string, opacity = 1): void {
    this.context.globalAlpha = opacity
    this.context.fillStyle = colour
    this.context.fillRect(x, y, wide, high)
    this.context.globalAlpha = 1
  }

  /** `y` is the baseline. */
  text(text: string, x: number, y: number, { size = 12, weight = 400, colour = this.colours.ink, align = 'left' }: { size?: number, weight?: number, colour?: string, align?: CanvasTextAlign } = {}): void {
    this.context.font = fontOf(size, weight)
    this.context.fillStyle = colour
    this.context.textAlign = align
    this.context.fillText(text, x, y)
  }

  widthOf(text: string, size: number, weight: number): number {
    this.context.font = fontOf(size, weight)
    return this.context.measureText(text).width
  }

  line(points: readonly (readonly [number, number])[], colour: string, thickness: number): void {
    this.context.beginPath()
    points.forEach(([x, y], index) => index === 0 ? this.context.moveTo(x, y) : this.context.lineTo(x, y))
    this.context.strokeStyle = colour
    this.context.lineWidth = thickness
    this.context.lineJoin = 'round'
    this.context.stroke()
  }

  dot(x: number, y: number, radius: number, colour: string): void {
    this.context.beginPath()
    this.context.arc(x, y, radius, 0, 2 * Math.PI)
    this.context.fillStyle = colour
    this.context.fill()
  }
}

function drawHead(sheet: Sheet, words: PictureWords): void {
  const { ink2, grid } = sheet.colours
  sheet.text(words.title, margin, 40, { size: 22, weight: 600 })
  sheet.text(words.subtitle, margin, 62, { size: 13, colour: ink2 })
  let right = width - margin
  for (const tag of words.tags.toReversed()) {
    const wide = sheet.widthOf(tag, 12, 500) + 16
    right -= wide
    sheet.fill(right, 24, wide, 22, grid)
    sheet.text(tag, right + 8, 39, { size: 12, weight: 500 })
    right -= 8
  }
}

function drawPanel(sheet: Sheet, axis: TimeAxis, { top, bottom, max }: Panel, unit: number): void {
  const { grid, axis: axisColour, ink3 } = sheet.colours
  const values = valueAxis(max / unit)
  for (const tick of ticksOf(axis))
    sheet.line([[sheet.x(tick), top], [sheet.x(tick), bottom]], grid, 1)
  for (let value = 0; value <= values.max + 1e-9; value += values.step) {
    const y = bottom - (bottom - top) * value / values.max
    sheet.line([[plot.left, y], [plot.right, y]], value === 0 ? axisColour : grid, 1)
    sheet.text(value.toLocaleString('en-US', { maximumFractionDigits: 2 }), plot.left - 8, y + 4, { size: 11, colour: ink3, align: 'right' })
  }
}

function drawChart(sheet: Sheet, axis: TimeAxis, runs: readonly OverlaidRun[], id: typeof overlayLines[number], top: number): void {
  const unit = id === 'left' ? 1000 : 1e6
  const lines = linesOf(runs, id)
  const highest = lines.flatMap(({ points }) => points).reduce((most, { y }) => Math.max(most, y), 0)
  const panel: Panel = { top, bottom: top + panelHeights[id], max: highest * 1.02 }
  const most = valueAxis(panel.max / unit).max * unit
  const yOf = (y: number): number => panel.bottom - (panel.bottom - panel.top) * y / most
  drawPanel(sheet, axis, panel, unit)
  const at = ({ x, y }: Point): [number, number] => [sheet.x(x), yOf(y)]
  for (const { tone, points } of lines)
    sheet.line(points.filter(({ x }) => x <= axis.maxMs).map(at), sheet.colours.line[tone], id === 'rate' ? 1.25 : 2.25)
  if (id === 'sent')
    drawNames(sheet, runs, panel, yOf)
}

function drawNames(sheet: Sheet, runs: readonly OverlaidRun[], { top, bottom }: Panel, yOf: (bytes: number) => number): void {
  const marks = endMarks(runs)
  const dots = marks.map(({ x, y, text }) => ({ x: sheet.x(x), y: yOf(y), width: sheet.widthOf(text, 13, 600), height: 17, nudge: 0 }))
  const places = placeTexts(dots, { left: plot.left, right: plot.right, top, bottom })
  for (const [index, { tone, text }] of marks.entries()) {
    sheet.dot(dots[index]!.x, dots[index]!.y, 4, sheet.colours.line[tone])
    sheet.text(text, places[index]!.x, places[index]!.y + 4, { size: 13, weight: 600, colour: sheet.colours.text[tone] })
  }
}

function drawPhases(sheet: Sheet, { mode, short, lane }: OverlaidRun, top: number): void {
  const { line, text, ink } = sheet.colours
  sheet.text(short, margin, top + barHeight - 5, { size: 12, weight: 600, colour: text[mode] })
  for (const { kind, startMs, endMs, round } of lane.segments) {
    const x = sheet.x(startMs)
    const wide = Math.max(kind === 'round' ? 1 : 0, sheet.x(endMs) - x)
    if (kind !== 'pause')
      sheet.fill(x, top, wide, barHeight, line[mode], kind !== 'round' ? 0.18 : round === 1 ? 1 : 0.72)
  }
  const pause = lane.segments.find(({ kind }) => kind === 'pause')
  if (!pause)
    return
  const ms = lane.pauseMs ?? pause.endMs - pause.startMs
  const x = sheet.x(pause.startMs)
  const end = Math.max(x + 2, sheet.x(pause.startMs + ms))
  sheet.fill(x, top - 3, end - x, barHeight + 6, ink)
  const fits = end + sheet.widthOf(formatMs(ms), 11, 600) + 8 < width
  sheet.text(formatMs(ms), fits ? end + 6 : x - 6, top + barHeight - 6, { size: 11, weight: 600, align: fits ? 'left' : 'right' })
}

/** Height in CSS pixels of the picture of so many runs. */
function heightOf(runs: number): number {
  return headHeight + overlayLines.reduce((sum, id) => sum + titleHeight + panelHeights[id] + panelGap, 0) + axisHeight + titleHeight + runs * rowHeight + margin
}

/** Draws on a context of at least `width` × `heightOf(runs)`. */
export function drawCharts(context: CanvasRenderingContext2D, runs: readonly OverlaidRun[], words: PictureWords, colours: Colours): void {
  const axis = timeAxis(overlayExtentMs(runs))
  const sheet = new Sheet(context, colours, axis)
  sheet.fill(0, 0, width, heightOf(runs.length), colours.surface)
  drawHead(sheet, words)
  let top = headHeight
  for (const id of overlayLines) {
    const { title, unit } = words.charts[id]
    sheet.text(title, margin, top + 16, { size: 13, weight: 600 })
    sheet.text(unit, margin + sheet.widthOf(title, 13, 600) + 8, top + 16, { size: 12, colour: colours.ink3 })
    drawChart(sheet, axis, runs, id, top + titleHeight)
    top += titleHeight + panelHeights[id] + panelGap
  }
  for (const tick of ticksOf(axis))
    sheet.text(tickText(tick), sheet.x(tick), top, { size: 11, colour: colours.ink3, align: 'center' })
  sheet.text(words.phases, margin, top + axisHeight + 8, { size: 13, weight: 600 })
  top += axisHeight + titleHeight
  for (const [index, run] of runs.entries())
    drawPhases(sheet, run, top + index * rowHeight)
}

/** PNG at twice the size in CSS pixels. Rejects where the browser cannot make it. */
export async function chartPicture(runs: readonly OverlaidRun[], words: PictureWords, colours: Colours): Promise<Blob> {
  const canvas = document.createElement('canvas')
  canvas.width = width * sharpness
  canvas.height = heightOf(runs.length) * sharpness
  const context = canvas.getContext('2d')
  if (!context)
    throw new Error('This browser draws no pictures.')
  context.scale(sharpness, sharpness)
  drawCharts(context, runs, words, colours)
  return new Promise((resolve, reject) => canvas.toBlob(blob => blob ? resolve(blob) : reject(new Error('The picture could not be made.')), 'image/png'))
}
