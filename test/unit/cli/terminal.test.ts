import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formatTable } from '../../../electron/cli/table.ts'
import { Terminal } from '../../../electron/cli/terminal.ts'

let written: string

beforeEach(() => {
  written = ''
  vi.useFakeTimers({ toFake: ['performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const write = (text: string) => written += text

describe('the status on a terminal', () => {
  it('is one line, rewritten and cut to the width', () => {
    const terminal = new Terminal({ write, isTTY: true, columns: 20 })
    terminal.status('Run 1 of 2', 'round 0')
    terminal.status('Run 1 of 2', 'a detail that is too long for it')
    terminal.line('done')
    expect(written).toBe('\r\u001B[KRun 1 of 2  round 0\r\u001B[KRun 1 of 2  a detai\r\u001B[Kdone\n')
  })
})

describe('the status in a log', () => {
  it('says at once what is new, and repeats details now and then', () => {
    const terminal = new Terminal({ write })
    terminal.status('pre-copy', '1 MB')
    terminal.status('pre-copy', '2 MB')
    vi.advanceTimersByTime(5_000)
    terminal.status('pre-copy', '9 MB')
    terminal.status('paused')
    expect(written).toBe('pre-copy  1 MB\npre-copy  9 MB\npaused\n')
  })
})

describe('a table', () => {
  it('lines up its columns', () => {
    expect(formatTable([['class', 'pages'], ['free', '20,066'], ['zero', '7']])).toBe('class   pages\nfree   20,066\nzero        7')
    expect(formatTable([])).toBe('')
  })
})
