/** Points of a line over time, few enough to draw: a bounded list that keeps its extremes when it is thinned out. */

export interface Point {
  /** ms since the run's t = 0. */
  x: number
  y: number
}

export const maxPoints = 4000

/** Of every four points the lowest and the highest stay, in the order of time; the last one always does. */
function thinned(points: readonly Point[]): Point[] {
  const kept: Point[] = []
  for (let start = 0; start < points.length; start += 4) {
    const group = points.slice(start, start + 4)
    const low = group.reduce((best, point) => point.y < best.y ? point : best)
    const high = group.reduce((best, point) => point.y > best.y ? point : best)
    kept.push(...(low === high ? [group[0]!, group.at(-1)!] : [low, high]).sort((a, b) => a.x - b.x))
  }
  const last = points.at(-1)
  if (last && kept.at(-1) !== last)
    kept.push(last)
  return kept
}

/** Appends in place. Time never goes back: a late point is drawn at the newest time. Beyond `maxPoints` half of them go. */
export function addPoint(points: Point[], x: number, y: number): void {
  points.push({ x: Math.max(x, points.at(-1)?.x ?? 0), y })
  if (points.length > maxPoints)
    points.splice(0, points.length, ...thinned(points))
}

/** Index of the last point at or before `x`; −1: there is none. */
function indexAt(points: readonly Point[], x: number): number {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (points[middle]!.x <= x)
      low = middle + 1
    else
      high = middle
  }
  return low - 1
}

/** The line's height at `x`, between two points by linear interpolation; null where the line is not. */
export function valueAt(points: readonly Point[], x: number): number | null {
  const index = indexAt(points, x)
  const before = points[index]
  if (!before)
    return null
  const after = points[index + 1]
  if (!after)
    return x === before.x ? before.y : null
  return before.y + (after.y - before.y) * (x - before.x) / (after.x - before.x)
}
