/** Bytes on the wire over time as SVG, all runs from t = 0, each line ending in its name. Colours are those of the screen's light theme. */
import type { LaneState } from '../../../shared/model/lane.ts'
import type { Mode, RunSettings } from '../../../shared/model/run.ts'
import type { Point } from '../../../shared/model/series.ts'

const colours: Record<Mode, { line: string, text: string }> = {
  stock: { line: '#d55e00', text: '#a44800' },
  me2: { line: '#0072b2', text: '#005c91' },
}
const box = { width: 920, height: 280, left: 48, right: 150, top: 14, bottom: 26 }
/** More cannot be told apart at this width. */
const mostPoints = 400

function thin(points: readonly Point[]): Point[] {
  const step = Math.max(1, Math.ceil(points.length / mostPoints))
  return points.filter((_, index) => index % step === 0 || index === points.length - 1)
}

/** At most six steps of 1, 2 or 5 times a power of ten. */
function ticks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max))
  const step = [0.2, 0.5, 1, 2].map(factor => factor * power).find(candidate => max / candidate <= 6) ?? 5 * power
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)))
}

/** Baselines at least a line apart, as near to where they belong as that allows. */
function apart(ys: readonly number[]): number[] {
  const lineHeight = 15
  const placed = new Map<number, number>()
  let lowest = -Infinity
  for (const [index, y] of [...ys.entries()].sort((a, b) => a[1] - b[1])) {
    lowest = Math.max(y, lowest + lineHeight)
    placed.set(index, lowest)
  }
  return ys.map((_, index) => placed.get(index)!)
}

/** `label`: what a reader hears of it. It and `nameOf` are the console's own words, never a host's. */
export function sentChart(lanes: readonly LaneState[], label: string, nameOf: (settings: RunSettings) => string): string {
  const drawn = lanes.filter(({ sent }) => sent.length > 1)
  if (drawn.length === 0)
    return ''
  const ends = drawn.map(({ sent }) => sent.at(-1)!)
  const maxSeconds = Math.max(1, ...ends.map(({ x }) => x / 1000))
  const maxMegabytes = Math.max(1, ...ends.map(({ y }) => y / 1e6))
  const xOf = (ms: number): number => box.left + ms / 1000 / maxSeconds * (box.width - box.left - box.right)
  const yOf = (bytes: number): number => box.height - box.bottom - bytes / 1e6 / maxMegabytes * (box.height - box.top - box.bottom)
  const at = (value: number): string => value.toFixed(1)
  const left = ticks(maxMegabytes).map(mb => `<line x1="${box.left}" x2="${box.width - box.right}" y1="${at(yOf(mb * 1e6))}" y2="${at(yOf(mb * 1e6))}" stroke="#e8ecef"/><text x="${box.left - 8}" y="${at(yOf(mb * 1e6) + 4)}" text-anchor="end">${mb}</text>`)
  const below = ticks(maxSeconds).map(seconds => `<text x="${at(xOf(seconds * 1000))}" y="${box.height - 8}" text-anchor="middle">${seconds === 0 ? '0' : `${seconds} s`}</text>`)
  const lines = drawn.map(({ mode, sent }) =>
    `<polyline points="${thin(sent).map(({ x, y }) => `${at(xOf(x))},${at(yOf(y))}`).join(' ')}" fill="none" stroke="${colours[mode].line}" stroke-width="2"/>`)
  const baselines = apart(ends.map(({ y }) => yOf(y) + 4))
  const words = drawn.map(({ mode, run }, index) =>
    `<circle cx="${at(xOf(ends[index]!.x))}" cy="${at(yOf(ends[index]!.y))}" r="3.5" fill="${colours[mode].line}"/><text x="${at(xOf(ends[index]!.x) + 9)}" y="${at(baselines[index]!)}" fill="${colours[mode].text}" font-weight="600">${nameOf(run.settings)} ${(ends[index]!.y / 1e6).toFixed(1)} MB</text>`)
  return `<svg viewBox="0 0 ${box.width} ${box.height}" role="img" aria-label="${label}">${[...left, ...below, ...lines, ...words].join('')}</svg>`
}
