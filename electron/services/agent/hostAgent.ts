/** Runs commands of an agent that is in place on a host. */
import type { AgentMessage } from '../../../shared/agent/messages.ts'
import type { HostConnection, RemoteProcess } from '../ssh/types.ts'
import type { AgentProcess, HostAgent } from './types.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { readLines } from './lines.ts'
import { errorFrom, lineTooLong, maxLineBytes, notUnderstood, parseMessage } from './parse.ts'

const requestTimeoutMs = 30_000
const maxAnswerBytes = 4 * 1024 * 1024

/** The agent at `path`, run as root where the connection allows that. Nothing is checked here. */
export function createHostAgent(connection: HostConnection, path: string): HostAgent {
  const asRoot = connection.root
  const spawn = async (args: readonly string[]): Promise<RemoteProcess> => connection.spawn([path, ...args], { asRoot })
  return {
    path,
    start: async args => agentProcess(await spawn(args)),
    startBinary: spawn,
    async request(args, kind, { timeoutMs = requestTimeoutMs } = {}) {
      const { stdout, stderr } = await connection.exec([path, ...args], { asRoot, timeoutMs, maxBytes: maxAnswerBytes })
      const lines = stdout.toString('utf8').split('\n').filter(line => line !== '')
      if (lines.length === 0)
        throw silent(connection.target.host, path, stderr)
      return answerAmong(lines, kind)
    },
  }
}

/** The first message of that kind, unless the agent reports an error first. */
function answerAmong(lines: readonly string[], kind: AgentMessage['t']): AgentMessage {
  for (const line of lines) {
    const message = parseMessage(line)
    if (message.t === kind)
      return message
    if (message.t === 'error')
      throw errorFrom(message)
  }
  throw notUnderstood(`no ${kind} among ${lines.length} lines`)
}

function agentProcess(process: RemoteProcess): AgentProcess {
  // Nobody reads it, and unread it would hold up the messages, which share its window.
  process.stderr.resume()
  return {
    messages: messagesOf(process),
    send: line => process.stdin.write(`${line}\n`),
    end: () => process.stdin.end(),
    exit: process.exit,
  }
}

async function* messagesOf(process: RemoteProcess): AsyncGenerator<AgentMessage> {
  for await (const line of readLines(process.stdout, maxLineBytes, lineTooLong))
    yield parseMessage(line)
}

function silent(host: string, path: string, stderr: string): Me2Error {
  const said = stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ''
  return new Me2Error('agent-missing', `${path} on ${host} gave no answer${said === '' ? '' : `: ${said}`}.`, 'Deploy the agent again.')
}
