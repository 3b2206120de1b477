/** Which part of the map shows, and how large. All sizes are device pixels; a cell is one frame. */

export interface MapSize {
  columns: number
  rows: number
}

export interface Viewport {
  width: number
  height: number
  /** As the user asked for; what is drawn is `scaleOf`. */
  wanted: number
  /** Cell at the upper left corner. */
  column: number
  row: number
}

const largestScale = 64

/** Whole pixels a frame as soon as one fits. */
export function scaleOf({ wanted }: Pick<Viewport, 'wanted'>): number {
  return wanted >= 1 ? Math.round(wanted) : wanted
}

function fittingScale({ columns, rows }: MapSize, width: number, height: number): number {
  const scale = Math.min(width / columns, height / rows)
  return Math.min(largestScale, scale >= 1 ? Math.floor(scale) : scale)
}

/** The whole guest. */
export function fit(size: MapSize, width: number, height: number): Viewport {
  return { width, height, wanted: fittingScale(size, width, height), column: 0, row: 0 }
}

export function isWhole(size: MapSize, view: Viewport): boolean {
  return scaleOf(view) <= fittingScale(size, view.width, view.height)
}

/** A map that is smaller than the window stands at its upper left; a larger one never shows what is beyond it. */
function within(size: MapSize, view: Viewport): Viewport {
  const scale = scaleOf(view)
  const hold = (at: number, cells: number, pixels: number): number => Math.min(Math.max(at, 0), Math.max(0, cells - pixels / scale))
  return { ...view, column: hold(view.column, size.columns, view.width), row: hold(view.row, size.rows, view.height) }
}

/** What lies at (x, y) stays there. */
export function zoomAt(size: MapSize, view: Viewport, factor: number, x: number, y: number): Viewport {
  const before = scaleOf(view)
  const smallest = fittingScale(size, view.width, view.height)
  const wanted = Math.min(Math.max(view.wanted * factor, smallest), largestScale)
  const after = scaleOf({ wanted })
  return within(size, { ...view, wanted, column: view.column + x / before - x / after, row: view.row + y / before - y / after })
}

export function panBy(size: MapSize, view: Viewport, x: number, y: number): Viewport {
  const scale = scaleOf(view)
  return within(size, { ...view, column: view.column - x / scale, row: view.row - y / scale })
}

/** Another window onto the same place; one that showed the whole guest goes on to. */
export function resize(size: MapSize, view: Viewport, width: number, height: number): Viewport {
  return isWhole(size, view) ? fit(size, width, height) : within(size, { ...view, width, height })
}

export function cellAtPixel(view: Viewport, x: number, y: number): { column: number, row: number } {
  const scale = scaleOf(view)
  return { column: Math.floor(view.column + x / scale), row: Math.floor(view.row + y / scale) }
}

const marginCells = 2

/** Moves as little as it takes to show a cell. */
export function reveal(size: MapSize, view: Viewport, column: number, row: number): Viewport {
  const scale = scaleOf(view)
  const nearest = (at: number, cell: number, pixels: number): number =>
    Math.min(Math.max(at, cell + 1 + marginCells - pixels / scale), cell - marginCells)
  return within(size, { ...view, column: nearest(view.column, column, view.width), row: nearest(view.row, row, view.height) })
}
