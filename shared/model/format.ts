/** Figures as a human reads them: MB are 10⁶ bytes, thousands have a comma, a space stands before a unit. */

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function formatBytes(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`
}

/** Seconds: two decimals below ten, otherwise one. */
export function formatMs(ms: number): string {
  const seconds = ms / 1000
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`
}

export function formatRate(bytesPerSecond: number): string {
  return `${(bytesPerSecond * 8 / 1e6).toFixed(1)} Mbit/s`
}

/** A link's cap in Mbit/s; null: none. */
export function formatCap(rateMbit: number | null): string {
  return rateMbit === null ? 'no cap' : `${rateMbit} Mbit/s`
}

/** Rounded as written, not as stored: 0.495 is 0.50. */
export function formatRatio(ratio: number): string {
  return (Math.round(ratio * 100) / 100).toFixed(2)
}

export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** Parts that may lack their full stop, as one text. */
export function sentences(...parts: readonly string[]): string {
  return parts.filter(part => part !== '').map(part => /[.!?…]$/.test(part) ? part : `${part}.`).join(' ')
}
