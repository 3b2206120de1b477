/** Page frames and page counts as text. */
import { pageBytes } from '../../../shared/model/pageClass.ts'

const hexDigits = 5

export function formatFrame(frame: number): string {
  return `0x${frame.toString(16).padStart(hexDigits, '0')}`
}

export function formatFrames(first: number, count: number): string {
  return count === 1 ? formatFrame(first) : `${formatFrame(first)} – ${formatFrame(first + count - 1)}`
}

/** 10⁶ bytes, without the unit; a dash for none. */
export function formatMegabytes(pages: number): string {
  return pages === 0 ? '–' : (pages * pageBytes / 1e6).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}

/** With a unit that suits one page as well as a whole guest. */
export function formatPageBytes(pages: number): string {
  const bytes = pages * pageBytes
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`
}
