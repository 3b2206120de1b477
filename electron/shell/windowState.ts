/** Where the window was when it was last closed. */
import type { BrowserWindow, BrowserWindowConstructorOptions, Rectangle } from 'electron'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeAtomically } from '../services/runs/atomicFile.ts'

const length = z.number().int().min(-100_000).max(100_000)
const windowStateSchema = z.object({ x: length, y: length, width: length, height: length, maximised: z.boolean() })
export type WindowState = z.infer<typeof windowStateSchema>

export const smallest = { width: 880, height: 600 }
const firstSize = { width: 1440, height: 900 }
/** So much of the window must be on a screen, or it could not be dragged back. */
const leastVisible = { width: 120, height: 40 }

/** Null: there is none, or it cannot be read. */
export async function readWindowState(file: string): Promise<WindowState | null> {
  try {
    return windowStateSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  }
  catch {
    return null
  }
}

/** The file is a convenience: failing to write it must not keep anybody from closing the window. */
export async function saveWindowState(file: string, window: Pick<BrowserWindow, 'getNormalBounds' | 'isMaximized'>): Promise<void> {
  const { x, y, width, height } = window.getNormalBounds()
  await writeAtomically(file, JSON.stringify({ x, y, width, height, maximised: window.isMaximized() } satisfies WindowState)).catch(() => {})
}

/** The title bar is at the top, so it is the window's top edge that has to be seen. */
function isReachable({ x, y, width }: WindowState, area: Rectangle): boolean {
  const visibleWidth = Math.min(x + width, area.x + area.width) - Math.max(x, area.x)
  return visibleWidth >= leastVisible.width && y >= area.y && y + leastVisible.height <= area.y + area.height
}

/**
 * Size and place for a new window. `workAreas`: of the displays that are there now, the primary one first; what was
 * saved with another set of displays is moved to the middle of the primary one.
 */
export function windowBounds(state: WindowState | null, workAreas: readonly Rectangle[]): BrowserWindowConstructorOptions {
  const home = workAreas.find(area => state !== null && isReachable(state, area))
  const area = home ?? workAreas[0]
  const wanted = state ?? firstSize
  const size = {
    width: Math.max(smallest.width, Math.min(wanted.width, area?.width ?? wanted.width)),
    height: Math.max(smallest.height, Math.min(wanted.height, area?.height ?? wanted.height)),
  }
  return home === undefined || state === null ? { ...size, center: true } : { ...size, x: state.x, y: state.y }
}
