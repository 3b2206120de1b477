import type { Page, Process } from '../../../electron/shell/bridge.ts'
import { describe, expect, it } from 'vitest'
import { bridge } from '../../../electron/shell/bridge.ts'

type PageListener = Parameters<Page['addEventListener']>[1]
type ProcessListener = Parameters<Process['on']>[1]

function bridged() {
  const asked: string[] = []
  const posted: unknown[][] = []
  const toProcess = new Map<string, ProcessListener>()
  let hear: PageListener = () => {}
  const page: Page = {
    location: { origin: 'app://console' },
    addEventListener: (_, listener) => {
      hear = listener
    },
    postMessage: (...message) => void posted.push(message),
  }
  bridge({ send: channel => void asked.push(channel), on: (channel, listener) => toProcess.set(channel, listener) }, page)
  return { page, asked, posted, hear: (event: Partial<Parameters<PageListener>[0]>) => hear({ source: page, origin: 'app://console', data: 'me2-port-wanted', ...event }), toProcess }
}

describe('the preload', () => {
  it('asks for a port when its page does', () => {
    const { asked, hear } = bridged()
    expect(asked).toEqual([])
    hear({})
    expect(asked).toEqual(['me2-port'])
  })

  it.each([
    ['another window', { source: {} }],
    ['a frame of another origin', { source: {}, origin: 'https://evil.example' }],
    ['another origin in its own window', { origin: 'https://evil.example' }],
    ['its page about something else', { data: 'me2-port' }],
  ])('asks for none when the message is from %s', (_, event) => {
    const { asked, hear } = bridged()
    hear(event)
    expect(asked).toEqual([])
  })

  it('hands the port to its own origin only', () => {
    const { posted, toProcess } = bridged()
    const port = {}
    toProcess.get('me2-port')?.({ ports: [port] })
    expect(posted).toEqual([['me2-port', 'app://console', [port]]])
  })

  it('hands menu commands on', () => {
    const { posted, toProcess } = bridged()
    toProcess.get('me2-command')?.({ ports: [] }, 'keys')
    expect(posted).toEqual([[{ type: 'me2-command', command: 'keys' }, 'app://console']])
  })
})
