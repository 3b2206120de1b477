/**
 * QEMU's control socket (QMP: one JSON object a line; a greeting, then capabilities, then commands).
 * One short connection a command. Fault drills use `stop` and `cont` (freeze and thaw a host) and setLink.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'

const replySchema = z.object({
  QMP: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
})

type MonitorArguments = Record<string, string | number | boolean>

async function converse(socketPath: string, command: string, args: MonitorArguments, signal: AbortSignal): Promise<unknown> {
  const socket = connect(socketPath)
  try {
    await once(socket, 'connect', { signal })
    let result: unknown = null
    const commands = [{ execute: 'qmp_capabilities' }, { execute: command, arguments: args }]
    for await (const line of createInterface({ input: socket, signal })) {
      const reply = replySchema.parse(JSON.parse(line))
      if (reply.error)
        throw new Error(reply.error.desc)
      const isEvent = !('return' in reply) && !('QMP' in reply)
      if (isEvent)
        continue
      result = reply.return
      const next = commands.shift()
      if (!next)
        return result
      socket.write(`${JSON.stringify(next)}\n`)
    }
    // QEMU closes the connection when it quits
    if (command === 'quit')
      return result
    throw new Error('the connection was closed')
  }
  finally {
    socket.destroy()
  }
}

/** Runs one QMP command and gives its answer. Throws `lab-not-running` when QEMU does not answer or refuses. */
export async function monitorCommand(socketPath: string, command: string, args: MonitorArguments = {}, timeoutMs = 5000): Promise<unknown> {
  try {
    return await converse(socketPath, command, args, AbortSignal.timeout(timeoutMs))
  }
  catch (cause) {
    throw new Me2Error('lab-not-running', `The lab host's QEMU did not do "${command}": ${(cause as Error).message}.`, 'Start the lab again.', { cause })
  }
}

/** Plugs the host's end of the inter-host cable in or out. */
export async function setLink(socketPath: string, up: boolean): Promise<void> {
  await monitorCommand(socketPath, 'set_link', { name: 'link', up })
}
