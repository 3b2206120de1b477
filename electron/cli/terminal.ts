/**
 * What a human sees while a command works, always on stderr: lines that stay, and one status line that is rewritten on a
 * terminal and otherwise repeated every few seconds.
 */

/** The part of a tty.WriteStream that is used. */
export interface TextStream {
  write: (text: string) => unknown
  isTTY?: boolean
  columns?: number
}

const repeatEveryMs = 5_000
const defaultColumns = 80
const clearLine = '\r\u001B[K'

export class Terminal {
  private readonly stream: TextStream
  private statusText = ''
  private statusAtMs = Number.NEGATIVE_INFINITY

  constructor(stream: TextStream) {
    this.stream = stream
  }

  line(text: string): void {
    this.clear()
    this.stream.write(`${text}\n`)
    this.statusText = ''
  }

  /** `headline` changes seldom; a change of it is shown at once, one of `detail` when it is time. */
  status(headline: string, detail = ''): void {
    const text = detail === '' ? headline : `${headline}  ${detail}`
    if (this.stream.isTTY)
      this.stream.write(clearLine + text.slice(0, (this.stream.columns ?? defaultColumns) - 1))
    else if (headline !== this.statusText || performance.now() - this.statusAtMs >= repeatEveryMs)
      this.repeat(text)
    this.statusText = headline
  }

  private repeat(text: string): void {
    this.stream.write(`${text}\n`)
    this.statusAtMs = performance.now()
  }

  /** Removes the status line. */
  clear(): void {
    if (this.stream.isTTY && this.statusText !== '')
      this.stream.write(clearLine)
  }
}
