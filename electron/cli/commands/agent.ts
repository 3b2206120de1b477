import type { Command } from '../command.ts'
import { chooseLab, hostOptions } from '../hostSelection.ts'

const remove: Command = {
  path: ['agent', 'remove'],
  operands: ['HOST'],
  summary: 'Takes the agent off a host.',
  options: hostOptions,
  run: async (context, args) => {
    const host = (await chooseLab(context, args)).find(args.operands[0]!)
    const connection = await context.services.connect(host.target)
    const removed = await context.services.removeAgent(connection).finally(() => connection.close())
    return { json: { host: host.name, removed }, text: removed.length === 0 ? `There is no agent on ${host.name}.` : `Removed from ${host.name}: ${removed.join(', ')}.` }
  },
}

export const agentCommands = [remove]
