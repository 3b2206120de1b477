/** Page frames as text. */

const hexDigits = 5

export function formatFrame(frame: number): string {
  return `0x${frame.toString(16).padStart(hexDigits, '0')}`
}

export function formatFrames(first: number, count: number): string {
  return count === 1 ? formatFrame(first) : `${formatFrame(first)} – ${formatFrame(first + count - 1)}`
}
