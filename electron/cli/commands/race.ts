import type { Command } from '../command.ts'
import { raceDocument } from '../../../shared/model/raceDocument.ts'
import { encoders, links, modes } from '../../../shared/model/run.ts'
import { locateGuest } from '../guestSelection.ts'
import { chooseLab, hostOptions, otherHost, withAddress } from '../hostSelection.ts'
import { raceReport } from '../raceReport.ts'
import { runRace } from '../raceRun.ts'

const boxedRateMbit = 20
const maxRepeats = 100
const maxRateMbit = 400_000
const defaultRepeats = 2
const defaultSettleSeconds = 5
const maxSettleSeconds = 3600

export const raceCommand: Command = {
  path: ['race'],
  operands: [],
  summary: 'Migrates a guest there and back, stock and with ME2, and compares what each cost.',
  options: [
    { name: 'guest', value: 'GUEST', help: 'the guest' },
    { name: 'host', value: 'HOST', help: 'where it is; default on the boxed lab: found by itself' },
    { name: 'to', value: 'HOST', help: 'where it goes first; default on the boxed lab: the other host' },
    { name: 'modes', value: 'stock,me2', help: 'which modes, in the order of the first pair (default stock,me2)' },
    { name: 'repeats', value: 'N', help: `runs of each mode (default ${defaultRepeats}; an even number is fair to both directions)` },
    { name: 'rate', value: 'MBIT', help: `cap on the link, both modes alike (default on the boxed lab ${boxedRateMbit}, otherwise none; 0: none)` },
    { name: 'encoder', value: 'rle|none', help: 'how ME2 encodes pages (default rle)' },
    { name: 'link', value: 'sealed|ssh|plain', help: 'how the data travels (default sealed: authenticated and encrypted)' },
    { name: 'no-verify', help: 'do not compare the guest\'s pages on both hosts at the end of each run' },
    { name: 'no-scrub', help: 'do not make left-out pages zero at the target' },
    { name: 'settle', value: 'SECONDS', help: `how long the guest runs undisturbed before each run (default ${defaultSettleSeconds})` },
    { name: 'host-address', value: 'IP', help: 'where --host is reached by the other host; default: looked for' },
    { name: 'to-address', value: 'IP', help: 'where --to is reached by the other host; default: looked for' },
    { name: 'force', help: 'go on in spite of what the pre-check found, where that cannot harm the guest' },
    ...hostOptions,
  ],
  run: async (context, args) => {
    const settings = {
      modes: args.choices('modes', modes, modes),
      repeats: args.wholeNumber('repeats', 1, maxRepeats) ?? defaultRepeats,
      encoder: args.choice('encoder', encoders, 'rle'),
      link: args.choice('link', links, 'sealed'),
      verify: !args.flag('no-verify'),
      scrub: !args.flag('no-scrub'),
      settleMs: (args.wholeNumber('settle', 0, maxSettleSeconds) ?? defaultSettleSeconds) * 1000,
      force: args.flag('force'),
    }
    const rate = args.wholeNumber('rate', 0, maxRateMbit)
    const lab = await chooseLab(context, args)
    const rateMbit = (rate ?? (lab.kind === 'boxed' ? boxedRateMbit : 0)) || null
    const { guest, host } = await locateGuest(context, lab, args)
    const away = otherHost(lab, host, args.text('to'))
    const home = withAddress(host, args.text('host-address'))
    const result = await runRace(context, lab, { ...settings, rateMbit, guest, home, away: withAddress(away, args.text('to-address')) })
    return { json: { ...raceDocument(result), prechecks: result.prechecks }, text: raceReport(result), failed: result.problem !== null }
  },
}
