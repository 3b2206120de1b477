/** Where things stand in the charts of a race: all have the same left edge, width and time axis. Pixels of CSS. */

export interface ChartSizes {
  /** Width of the left axis. */
  left: number
  /** Room at the right for half of the last tick's text. */
  right: number
  axisFont: number
  labelFont: number
  line: number
  dot: number
}

const normalSizes: ChartSizes = { left: 52, right: 14, axisFont: 11, labelFont: 12, line: 2.25, dot: 3.5 }
const presenterSizes: ChartSizes = { left: 76, right: 24, axisFont: 19, labelFont: 26, line: 5, dot: 6 }

export function sizesFor(presenting: boolean): ChartSizes {
  return presenting ? presenterSizes : normalSizes
}

const axisEndsS = [1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 90, 105, 120, 150, 180, 210, 240, 300, 360, 420, 480, 600, 900, 1200, 1800, 2700, 3600]
const headroom = 1.03

export interface TimeAxis {
  maxMs: number
  stepMs: number
}

function stepFor(maxS: number): number {
  const steps = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600]
  return steps.find(step => maxS / step <= 7) ?? 3600 * Math.ceil(maxS / 3600 / 7)
}

/** An axis that holds `extentMs`, with an end that changes seldom while a run grows into it. */
export function timeAxis(extentMs: number): TimeAxis {
  const extentS = extentMs / 1000 * headroom
  const maxS = axisEndsS.find(end => end >= extentS) ?? 3600 * Math.ceil(extentS / 3600)
  return { maxMs: maxS * 1000, stepMs: stepFor(maxS) * 1000 }
}

/** Ticks of an axis from 0 on, in its own unit. */
export function ticksOf({ maxMs, stepMs }: TimeAxis): number[] {
  return Array.from({ length: Math.floor(maxMs / stepMs + 1e-9) + 1 }, (_, index) => index * stepMs)
}

/** `0`, `5 s`. */
export function tickText(ms: number): string {
  return ms === 0 ? '0' : `${Number((ms / 1000).toFixed(2))} s`
}

/** A round number at or above `value` with a step that divides it in two to five. */
export function valueAxis(value: number): { max: number, step: number } {
  if (!(value > 0))
    return { max: 1, step: 0.5 }
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [0.2, 0.25, 0.5, 1, 2].map(factor => factor * power).find(candidate => value / candidate <= 5) ?? 2 * power
  return { max: Math.ceil(value / step - 1e-9) * step, step }
}

/** Every how many ms a heartbeat dot may stand, so that dots do not touch. */
export function dotStepMs(msPerPixel: number, dotPixels: number): number {
  const least = msPerPixel * dotPixels
  return [200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000].find(step => step >= least) ?? 120_000
}
