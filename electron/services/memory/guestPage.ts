/** One page of a guest, from `agent page`. Its contents are the guest owner's: they are passed on and kept nowhere. */
import type { PageView } from '../../../shared/contract/memory.ts'
import type { HostAgent } from '../agent/types.ts'
import { Buffer } from 'node:buffer'
import { Me2Error } from '../../../shared/errors.ts'
import { pageBytes } from '../../../shared/model/pageClass.ts'

/** Finding the guest's kernel takes a while on an emulated host. */
const timeoutMs = 60_000

/** Throws the agent's own error (`no-domain`, `usage` for a frame that the guest does not have), `agent-protocol`. */
export async function readGuestPage(agent: HostAgent, guest: string, frame: number): Promise<PageView> {
  const message = await agent.request(['page', guest, String(frame)], 'page', { timeoutMs })
  if (message.t !== 'page' || message.frame !== frame)
    throw new Me2Error('agent-protocol', 'The agent told of another page.', 'Try again.')
  const { class: pageClass, fate, rleBytes, encoders, content, present } = message
  const bytes = content === null ? null : new Uint8Array(Buffer.from(content, 'base64'))
  if (present !== (bytes !== null) || (bytes && bytes.length !== pageBytes))
    throw new Me2Error('agent-protocol', 'The agent sent a page of another size.', 'Remove the agent from the host and let it be uploaded anew.')
  return { frame, pageClass, fate, rleBytes, encoders, content: bytes }
}
