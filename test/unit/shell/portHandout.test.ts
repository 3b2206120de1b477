import type { Frame, PortRequest } from '../../../electron/shell/portHandout.ts'
import type { ServedPort } from '../../../electron/transports/messagePort.ts'
import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { handOutPorts } from '../../../electron/shell/portHandout.ts'

function fakePort() {
  return { on: vi.fn(), postMessage: vi.fn(), start: vi.fn(), close: vi.fn() } satisfies ServedPort
}

describe('handing out the port', () => {
  const ipc = new EventEmitter()
  let contents: EventEmitter
  let channels: { ours: ReturnType<typeof fakePort>, theirs: object }[]
  let served: ServedPort[]

  const frame = (changes: Partial<Frame> = {}): Frame => ({
    isDestroyed: () => false, detached: false, parent: null, origin: 'app://console', postMessage: vi.fn(), ...changes,
  })
  const ask = (request: Partial<PortRequest> = {}): Frame | null => {
    const asking = { sender: contents, senderFrame: frame(), ...request }
    ipc.emit('me2-port', asking)
    return asking.senderFrame
  }

  beforeEach(() => {
    ipc.removeAllListeners()
    contents = new EventEmitter()
    channels = []
    served = []
    handOutPorts({
      ipc,
      contents,
      createChannel: () => {
        const channel = { ours: fakePort(), theirs: {} }
        channels.push(channel)
        return channel
      },
      serve: port => served.push(port),
    })
  })

  it('gives the window\'s page one end and serves the other', () => {
    const asking = ask()
    expect(served).toEqual([channels[0]?.ours])
    expect(asking?.postMessage).toHaveBeenCalledExactlyOnceWith('me2-port', null, [channels[0]?.theirs])
  })

  const gone = frame({ isDestroyed: () => true })
  Object.defineProperty(gone, 'origin', {
    get: () => {
      throw new Error('Render frame was disposed before WebFrameMain could be accessed')
    },
  })

  it.each<[string, () => Partial<PortRequest>]>([
    ['another window', () => ({ sender: new EventEmitter() })],
    ['a frame in the page', () => ({ senderFrame: frame({ parent: frame() }) })],
    ['a page of another origin', () => ({ senderFrame: frame({ origin: 'https://evil.example' }) })],
    ['a page whose origin begins like ours', () => ({ senderFrame: frame({ origin: 'app://console.evil' }) })],
    ['an opaque origin', () => ({ senderFrame: frame({ origin: 'null' }) })],
    ['a frame that has gone on', () => ({ senderFrame: null })],
    ['a frame that is destroyed', () => ({ senderFrame: gone })],
    ['a frame that is being unloaded', () => ({ senderFrame: frame({ detached: true }) })],
  ])('gives %s nothing', (_, request) => {
    const asking = ask(request())
    expect(channels).toEqual([])
    expect(served).toEqual([])
    if (asking)
      expect(asking.postMessage).not.toHaveBeenCalled()
  })

  it('leaves the page its port when a foreigner asks', () => {
    ask()
    ask({ sender: new EventEmitter() })
    expect(channels[0]?.ours.close).not.toHaveBeenCalled()
  })

  it('closes the old port when the reloaded page asks', () => {
    ask()
    ask()
    expect(channels.map(({ ours }) => ours.close.mock.calls.length)).toEqual([1, 0])
  })

  it('closes the port when the page\'s process dies, and gives the next one a new port', () => {
    ask()
    contents.emit('render-process-gone')
    expect(channels[0]?.ours.close).toHaveBeenCalledOnce()
    ask()
    expect(served).toHaveLength(2)
  })

  it('closes the port with the window, and hears nobody after that', () => {
    ask()
    contents.emit('destroyed')
    expect(channels[0]?.ours.close).toHaveBeenCalledOnce()
    ask()
    expect(served).toHaveLength(1)
  })
})
