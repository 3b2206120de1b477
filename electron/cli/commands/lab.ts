import type { LabSize } from '../../../shared/model/labSize.ts'
import type { LabStatus } from '../../services/lab/types.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Output } from '../command.ts'
import { guestMemoryChoicesMiB, usualLabSize } from '../../../shared/model/labSize.ts'
import { chooseLab } from '../hostSelection.ts'
import { labShares, shareRow } from '../labShares.ts'
import { labUp } from '../labUp.ts'
import { formatTable } from '../table.ts'

function describe(status: LabStatus): Output {
  const { state, image, hosts, guests } = status
  const hostRows = hosts.map(host => [host.name, host.alive ? 'alive' : 'ended', `ssh port ${host.ssh.port}`, `link ${host.linkAddress}`])
  const guestRows = guests.map(guest => [guest.name, `${guest.memoryBytes / 1024 / 1024} MiB`, guest.address, guest.sentence])
  const imageLine = image ? [`Image: ${image.suite}, Xen ${image.xen}, Linux ${image.kernel}.`] : []
  const parts = [`The boxed lab is ${state}.`, ...imageLine]
  if (hosts.length > 0)
    parts.push(formatTable([...hostRows], ['left', 'left', 'left', 'left']), 'Guests:', formatTable(guestRows, ['left', 'right', 'left', 'left']))
  return { json: status, text: parts.join('\n') }
}

function sizeOf(args: Arguments): LabSize {
  const choices = guestMemoryChoicesMiB.map(String)
  return { guestMemoryMiB: Number(args.choice('guest-memory', choices, `${usualLabSize.guestMemoryMiB}`)) as LabSize['guestMemoryMiB'], twin: args.flag('twin') }
}

const up: Command = {
  path: ['lab', 'up'],
  operands: [],
  summary: 'Builds and boots the boxed lab: two real Xen hosts with three guests or four.',
  options: [
    { name: 'guest-memory', value: 'MIB', help: `memory of each guest: ${guestMemoryChoicesMiB.join(', ')} (default ${usualLabSize.guestMemoryMiB}); a lab that runs keeps its own` },
    { name: 'twin', help: 'with a fourth guest, equal to web' },
  ],
  run: async (context, args) => {
    const { json, text } = describe(await labUp(context, sizeOf(args)))
    const shares = await labShares(context, await chooseLab(context, args))
    const table = formatTable([['guest', 'in use, not constant', 'of that after RLE', 'free, old data'], ...shares.map(shareRow)])
    return { json: { ...json as LabStatus, shares }, text: `${text}\nMemory, as the agent sees it from outside:\n${table}` }
  },
}

const down: Command = {
  path: ['lab', 'down'],
  operands: [],
  summary: 'Ends the boxed lab.',
  options: [],
  run: async ({ services }) => {
    await services.lab.down()
    return describe(await services.lab.status())
  },
}

const status: Command = {
  path: ['lab', 'status'],
  operands: [],
  summary: 'Tells whether the boxed lab runs, and what is in it.',
  options: [],
  run: async ({ services }) => describe(await services.lab.status()),
}

const reset: Command = {
  path: ['lab', 'reset'],
  operands: [],
  summary: 'Ends the boxed lab and throws away what its hosts wrote.',
  options: [{ name: 'image', help: 'throw the cached image away too; the next start builds it anew' }],
  run: async ({ services }, args) => {
    await services.lab.reset({ image: args.flag('image') })
    return describe(await services.lab.status())
  },
}

export const labCommands = [up, down, status, reset]
