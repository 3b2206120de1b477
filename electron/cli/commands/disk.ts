import type { DiskMessage } from '../../../shared/agent/messages.ts'
import type { DiskResult } from '../../../shared/model/run.ts'
import type { Arguments, OptionSpec } from '../arguments.ts'
import type { Command, Context, Output } from '../command.ts'
import type { ChosenHost } from '../hostSelection.ts'
import { formatBytes, formatCount, formatShare } from '../../../shared/model/format.ts'
import { raceDocument } from '../../../shared/model/raceDocument.ts'
import { me2Leg, stockLeg } from '../../../shared/model/raceOrder.ts'
import { modes } from '../../../shared/model/run.ts'
import { startDiskCopy } from '../../services/disk/copyDisk.ts'
import { linkAddressOf } from '../../services/disk/linkAddressOf.ts'
import { usage } from '../arguments.ts'
import { chosenEncoding, encodingOptions } from '../encodingChoice.ts'
import { locateGuest } from '../guestSelection.ts'
import { chooseLab, handleFor, hostOptions, otherHost, withAddress } from '../hostSelection.ts'
import { runRace } from '../raceRun.ts'
import { diskMapCommand } from './diskMap.ts'

const maxRateMbit = 400_000

/** What a copy and a migration have in common. */
const travelOptions: readonly OptionSpec[] = [
  { name: 'mode', value: 'stock|me2', help: 'stock: every block as it is, as dd would (default me2: what is used, encoded)' },
  ...encodingOptions,
  { name: 'rate', value: 'MBIT', help: 'cap on the link (default: none)' },
  { name: 'overwrite', help: 'what lies at the disk\'s path on the target may be written over' },
  { name: 'no-verify', help: 'do not compare the blocks that were sent' },
  { name: 'to-address', value: 'IP', help: 'where --to is reached by the other host; default: looked for' },
]

function travelChoice(args: Arguments) {
  return {
    mode: args.choice('mode', modes, 'me2'),
    encoding: chosenEncoding(args),
    rateMbit: args.wholeNumber('rate', 1, maxRateMbit) ?? null,
    overwrite: args.flag('overwrite'),
    verify: !args.flag('no-verify'),
  }
}

function requiredPath(args: Arguments, name: string): string {
  const path = args.text(name)
  if (path === undefined || !path.startsWith('/'))
    throw usage(`Which disk? --${name} takes an absolute path.`)
  return path
}

function copyLine({ phase, done, planned, linkBytes }: DiskMessage): string {
  return `${phase}: ${formatCount(done)} of ${formatCount(planned)} blocks, ${formatBytes(linkBytes)} sent`
}

function describeCopy(path: string, from: string, to: string, disk: DiskResult): Output {
  const { bytes, leftOut, blocks, linkBytes, notExplored, verify } = disk
  const lines = [
    `${path} of ${from} is on ${to}: ${formatBytes(linkBytes)} sent of ${formatBytes(bytes)} (${formatShare(linkBytes / bytes)}); ${formatCount(blocks)} blocks sent, ${formatCount(leftOut)} left out.`,
    ...(notExplored === null ? [] : [`Nothing was left out: ${notExplored}.`]),
    ...(verify === null ? [] : [`${formatCount(verify.differing)} of ${formatCount(verify.compared)} blocks differ.`]),
  ]
  return { json: { path, from, to, disk }, text: lines.join('\n'), failed: (verify?.differing ?? 0) > 0 }
}

async function copy(context: Context, args: Arguments, source: ChosenHost, target: ChosenHost): Promise<Output> {
  const { terminal, services: { timing }, onInterrupt } = context
  const [from, to] = [handleFor(context, source), handleFor(context, target)]
  const path = requiredPath(args, 'path')
  const { overwrite, ...choice } = travelChoice(args)
  try {
    const job = startDiskCopy({
      ...choice, path, timing,
      source: from,
      target: to,
      link: 'sealed',
      to: { path: args.text('to-path') ?? path, overwrite },
      targetAddress: target.linkAddress ?? await linkAddressOf(from, to, timing.requestMs),
      onMessage: (_, message) => message.t === 'disk' && terminal.status(`Copying ${path}:`, copyLine(message)),
    })
    const release = onInterrupt(() => job.cancel())
    return describeCopy(path, source.name, target.name, await job.result.finally(release))
  }
  finally {
    terminal.clear()
    await Promise.all([from.close(), to.close()])
  }
}

const copyCommand: Command = {
  path: ['disk', 'copy'],
  operands: [],
  summary: 'Copies a disk that no guest uses to another host: what its file systems use, encoded, and compared at the end.',
  options: [
    { name: 'path', value: 'PATH', help: 'the disk: a raw file or a block device' },
    { name: 'host', value: 'HOST', help: 'where it is' },
    { name: 'to', value: 'HOST', help: 'where it goes; default on the boxed lab: the other host' },
    { name: 'to-path', value: 'PATH', help: 'what it is called there (default: the same)' },
    ...travelOptions,
    ...hostOptions,
  ],
  run: async (context, args) => {
    const named = args.text('host')
    if (named === undefined)
      throw usage('Which host?', 'Name the one that has the disk with --host.')
    const lab = await chooseLab(context, args)
    const source = lab.find(named)
    return copy(context, args, source, withAddress(otherHost(lab, source, args.text('to')), args.text('to-address')))
  },
}

const migrateCommand: Command = {
  path: ['disk', 'migrate'],
  operands: [],
  summary: 'Migrates a running guest together with its local disk, once. Its disk at the source stays as it was.',
  options: [
    { name: 'guest', value: 'GUEST', help: 'the guest' },
    { name: 'host', value: 'HOST', help: 'where it is; default on the boxed lab: found by itself' },
    { name: 'to', value: 'HOST', help: 'where it goes; default on the boxed lab: the other host' },
    ...travelOptions,
    { name: 'force', help: 'go on in spite of what the pre-check found, where that cannot harm the guest' },
    ...hostOptions,
  ],
  run: async (context, args) => {
    const { mode, encoding, rateMbit, overwrite, verify } = travelChoice(args)
    const lab = await chooseLab(context, args)
    const { guest, host } = await locateGuest(context, lab, args)
    const result = await runRace(context, lab, {
      kind: 'race', guest, verify,
      legs: [mode === 'stock' ? stockLeg(rateMbit) : me2Leg(encoding, rateMbit)],
      link: 'sealed',
      scrub: true,
      settleMs: 0,
      force: args.flag('force'),
      withDisk: { overwrite },
      home: host,
      away: withAddress(otherHost(lab, host, args.text('to')), args.text('to-address')),
    })
    const [run] = result.runs
    return {
      json: { ...raceDocument(result), prechecks: result.prechecks },
      text: run ? run.result.summary : result.problem?.message ?? 'Nothing was done.',
      failed: result.problem !== null || run?.result.outcome !== 'migrated',
    }
  },
}

export const diskCommands: readonly Command[] = [diskMapCommand, copyCommand, migrateCommand]
