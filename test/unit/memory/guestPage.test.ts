import type { HostAgent } from '../../../electron/services/agent/types.ts'
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { readGuestPage } from '../../../electron/services/memory/guestPage.ts'

const asked: string[][] = []

function agentSaying(message: unknown): HostAgent {
  return {
    request: async (args: readonly string[]) => {
      asked.push([...args])
      return message as AgentMessage
    },
  } as unknown as HostAgent
}

const page = { t: 'page', frame: 7, class: 3, present: true, kernel: '6.1.0-51-amd64', fate: 'encoded', rleBytes: 606, encoders: [{ encoder: 'zstd', level: 3, bytes: 310, us: 41.5 }], content: Buffer.alloc(4096, 0x41).toString('base64') }

describe('a page', () => {
  it('comes with its class, its fate and its bytes', async () => {
    const view = await readGuestPage(agentSaying(page), 'web', 7)
    expect(view).toMatchObject({ frame: 7, pageClass: 3, fate: 'encoded', rleBytes: 606, encoders: [{ encoder: 'zstd', level: 3, bytes: 310, us: 41.5 }] })
    expect(view.content).toEqual(new Uint8Array(4096).fill(0x41))
    expect(asked.at(-1)).toEqual(['page', 'web', '7'])
  })

  it('may be absent', async () => {
    expect((await readGuestPage(agentSaying({ ...page, present: false, content: null, rleBytes: 0, fate: 'absent' }), 'web', 7)).content).toBeNull()
  })

  it.each([
    ['another frame', { frame: 8 }],
    ['another size', { content: 'QUJD' }],
    ['content that is not there', { present: false }],
    ['no content, though it is there', { content: null }],
    ['empty content that is not there', { present: false, content: '' }],
    ['another kind of message', { t: 'version' }],
  ])('is refused with %s', async (_, change) => {
    await expect(readGuestPage(agentSaying({ ...page, ...change }), 'web', 7)).rejects.toMatchObject({ code: 'agent-protocol' })
  })
})
