/**
 * Where each frame (scheme.ts) lies: on a Hilbert curve through a square of side 2^k, frame 0 at the top left, so that what is
 * near in memory is near on the screen. The first half of the curve is the square's upper half; only the columns and
 * rows that the guest reaches are kept. An aligned stretch of 4^j frames is a square of side 2^j, which uploads and
 * outlines make use of.
 */

export interface MapLayout {
  frames: number
  /** Of the whole curve's square, a power of two. */
  side: number
  /** What is kept of it. */
  columns: number
  rows: number
  /** Of each frame: row × columns + column. */
  cells: Uint32Array
}

export interface Cell {
  column: number
  row: number
}

/** Side of the smallest square that holds `frames`. */
export function sideFor(frames: number): number {
  let side = 1
  while (side * side < frames)
    side *= 2
  return side
}

/** Columns in the high half, rows in the low one: a side has at most 2^13 cells. */
const columnShift = 16
const rowMask = 0xFFFF

/**
 * The curve of side 2s is four of side s: upper left mirrored at the diagonal, upper right and lower right as they are,
 * lower left mirrored at the other diagonal. The first is written last, over what the others are made from.
 */
function packedCurve(frames: number, side: number): Uint32Array {
  const curve = new Uint32Array(frames)
  for (let s = 1; s < side; s *= 2) {
    const quarter = s * s
    for (let from = 0; from < quarter; from++) {
      const packed = curve[from]!
      const column = packed >>> columnShift
      const row = packed & rowMask
      if (quarter + from < frames)
        curve[quarter + from] = (column + s) << columnShift | row
      if (2 * quarter + from < frames)
        curve[2 * quarter + from] = (column + s) << columnShift | (row + s)
      if (3 * quarter + from < frames)
        curve[3 * quarter + from] = (s - 1 - row) << columnShift | (2 * s - 1 - column)
      curve[from] = row << columnShift | column
    }
  }
  return curve
}

/** Takes about a second for 16 million frames: done in a worker. */
export function layOut(frames: number): MapLayout {
  const side = sideFor(frames)
  const cells = packedCurve(frames, side)
  let columns = 1
  let rows = 1
  for (const packed of cells) {
    columns = Math.max(columns, (packed >>> columnShift) + 1)
    rows = Math.max(rows, (packed & rowMask) + 1)
  }
  for (let frame = 0; frame < frames; frame++) {
    const packed = cells[frame]!
    cells[frame] = (packed & rowMask) * columns + (packed >>> columnShift)
  }
  return { frames, side, columns, rows, cells }
}

export function cellOf({ cells, columns }: MapLayout, frame: number): Cell {
  const cell = cells[frame]!
  return { column: cell % columns, row: Math.floor(cell / columns) }
}

/** Null: no frame lies there. */
export function frameAt({ side, frames, columns, rows }: MapLayout, { column, row }: Cell): number | null {
  if (column < 0 || row < 0 || column >= columns || row >= rows)
    return null
  let frame = 0
  let [x, y] = [column, row]
  for (let s = side / 2; s >= 1; s /= 2) {
    const right = x >= s
    const lower = y >= s
    const quadrant = right ? (lower ? 2 : 1) : (lower ? 3 : 0)
    frame += quadrant * s * s
    const [inX, inY] = [right ? x - s : x, lower ? y - s : y]
    if (quadrant === 0)
      [x, y] = [inY, inX]
    else if (quadrant === 3)
      [x, y] = [s - 1 - inY, s - 1 - inX]
    else
      [x, y] = [inX, inY]
  }
  return frame < frames ? frame : null
}
