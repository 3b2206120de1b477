import type { LabPlan } from '../../../shared/model/labPlan.ts'
import type { LabStatus } from '../../services/lab/types.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Output } from '../command.ts'
import { guestMemoryChoicesMiB, maxLabHosts, usualLabPlan, xenReleases } from '../../../shared/model/labPlan.ts'
import { usage } from '../arguments.ts'
import { chooseLab } from '../hostSelection.ts'
import { labShares, shareRow } from '../labShares.ts'
import { labUp } from '../labUp.ts'
import { formatTable } from '../table.ts'

function describe(status: LabStatus): Output {
  const { state, images, hosts, guests } = status
  const hostRows = hosts.map(host => [host.name, host.alive ? 'alive' : host.standby ? 'standby' : 'ended', `ssh port ${host.ssh.port}`, `link ${host.linkAddress}`])
  const guestRows = guests.map(guest => [guest.name, `${guest.memoryBytes / 1024 / 1024} MiB`, guest.address, guest.sentence])
  const imageLines = images.map(image => `Image: ${image.suite}, Xen ${image.xen}, Linux ${image.kernel}.`)
  const parts = [`The boxed lab is ${state}.`, ...imageLines]
  if (hosts.length > 0)
    parts.push(formatTable([...hostRows], ['left', 'left', 'left', 'left']), 'Guests:', formatTable(guestRows, ['left', 'right', 'left', 'left']))
  return { json: status, text: parts.join('\n') }
}

const maxRoomMiB = 16_384

/** One release for all hosts, or one for each. Throws `usage`. */
function chosenXen(args: Arguments): LabPlan['xen'] {
  const words = (args.text('xen') ?? usualLabPlan.xen[0]!).split(',')
  const hosts = args.wholeNumber('hosts', 2, maxLabHosts) ?? Math.max(words.length, 2)
  const releases = words.flatMap(word => xenReleases.find(known => known === word) ?? [])
  if (releases.length < words.length || hosts > maxLabHosts || (words.length > 1 && words.length !== hosts))
    throw usage(`--xen ${args.text('xen')} names no release for each of ${hosts} hosts.`, `Choose from ${xenReleases.join(', ')}: one, or as many as hosts with commas between.`)
  return Array.from({ length: hosts }, (_, i) => releases[i] ?? releases[0]!)
}

function planOf(args: Arguments): LabPlan {
  const choices = guestMemoryChoicesMiB.map(String)
  return {
    ...usualLabPlan,
    guestMemoryMiB: Number(args.choice('guest-memory', choices, `${usualLabPlan.guestMemoryMiB}`)) as LabPlan['guestMemoryMiB'],
    twin: args.flag('twin'),
    xen: chosenXen(args),
    deviceModel: args.flag('device-model'),
    disks: args.flag('disks'),
    roomMiB: args.wholeNumber('room', 0, maxRoomMiB) ?? 0,
  }
}

const up: Command = {
  path: ['lab', 'up'],
  operands: [],
  summary: 'Builds and boots the boxed lab: two or three real Xen hosts with three guests or more.',
  options: [
    { name: 'guest-memory', value: 'MIB', help: `memory of each guest: ${guestMemoryChoicesMiB.join(', ')} (default ${usualLabPlan.guestMemoryMiB}); a lab that runs keeps its own` },
    { name: 'twin', help: 'with a fourth guest, equal to web' },
    { name: 'disks', help: 'with two more guests, which have disks of their own: files (ext4) and filesxfs' },
    { name: 'hosts', value: 'N', help: `2 or ${maxLabHosts} hosts (default 2)` },
    { name: 'xen', value: 'A,B', help: `Xen of each host, or of all: ${xenReleases.join(', ')} (default ${usualLabPlan.xen[0]})` },
    { name: 'device-model', help: 'hosts with QEMU in dom0, which HVM guests need' },
    { name: 'room', value: 'MIB', help: 'more memory on each host, for guests of your own' },
  ],
  run: async (context, args) => {
    const { json, text } = describe(await labUp(context, planOf(args)))
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

const load: Command = {
  path: ['lab', 'load'],
  operands: ['GUEST'],
  summary: 'Has a guest of the lab keep its processor busy beside its own work, until it is told otherwise.',
  options: [{ name: 'cpu', value: 'PERCENT', help: 'of one processor; 0: no more than its own work' }],
  run: async ({ services }, args) => {
    const [guest] = args.operands
    const percent = args.wholeNumber('cpu', 0, 100)
    if (percent === undefined)
      throw usage('How much load?', 'Give --cpu, 0 to 100.')
    await services.lab.load(guest!, percent)
    return { json: { guest, percent }, text: `${guest}: ${percent} % of a processor.` }
  },
}

export const labCommands = [up, down, status, reset, load]
