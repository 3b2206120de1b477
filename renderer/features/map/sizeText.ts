/** Sizes of so many frames, as text. */

const frameBytes = 4096

export interface SizeUnit {
  name: 'MB' | 'GB'
  bytes: number
  /** In a table, whose rows differ by much. */
  digits: number
}

const megabyte: SizeUnit = { name: 'MB', bytes: 1e6, digits: 1 }
const gigabyte: SizeUnit = { name: 'GB', bytes: 1e9, digits: 2 }
/** From here on megabytes have too many digits for a column. */
const gigabytesFrom = 10e9

/** One for all rows of a table about so many frames. */
export function unitFor(frames: number): SizeUnit {
  return frames * frameBytes < gigabytesFrom ? megabyte : gigabyte
}

function inUnit(bytes: number, unit: SizeUnit, digits: number): string {
  return (bytes / unit.bytes).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Without the unit; a dash for none. */
export function formatSize(frames: number, unit: SizeUnit): string {
  return frames === 0 ? '–' : inUnit(frames * frameBytes, unit, unit.digits)
}

/** With a unit that suits one frame as well as a whole guest. */
export function formatFrameBytes(frames: number): string {
  const bytes = frames * frameBytes
  if (bytes >= gigabytesFrom)
    return formatDiskBytes(bytes)
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`
}

export function formatDiskBytes(bytes: number): string {
  const unit = bytes < gigabytesFrom ? megabyte : gigabyte
  return `${inUnit(bytes, unit, 1)} ${unit.name}`
}
