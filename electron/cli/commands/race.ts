import type { RaceRequest, RaceResult } from '../../services/migration/race.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Output } from '../command.ts'
import { raceDocument } from '../../../shared/model/raceDocument.ts'
import { raceLegs } from '../../../shared/model/raceOrder.ts'
import { links, modes } from '../../../shared/model/run.ts'
import { sweepLegs } from '../../../shared/model/sweep.ts'
import { sweepDocument } from '../../../shared/model/sweepDocument.ts'
import { usage, wholeNumber } from '../arguments.ts'
import { chosenEncoding, encodingOptions, sweptEncodings } from '../encodingChoice.ts'
import { locateGuest } from '../guestSelection.ts'
import { chooseLab, hostOptions, isOwnLab, otherHost, withAddress } from '../hostSelection.ts'
import { raceReport } from '../raceReport.ts'
import { runRace } from '../raceRun.ts'
import { sweepReport } from '../sweepReport.ts'

const boxedRateMbit = 20
const maxRepeats = 100
const maxRateMbit = 400_000
const defaultRepeats = 2
const defaultSettleSeconds = 5
const maxSettleSeconds = 3600
const axes = 'rate,encoder'
const sweptRatesMbit = [10, 20, 50, 100, null] as const
const noCap = 'none'

/** What a race has one of and a sweep several, and the other way round. */
const ofRace = ['modes', 'repeats', 'rate', 'preset', 'encoder', 'level', 'cache'] as const
const ofSweep = ['rates', 'encoders', 'levels'] as const

type Plan = Pick<RaceRequest, 'kind' | 'legs'>

/** Throws `usage`. */
function racePlan(args: Arguments): Plan {
  const stray = ofSweep.find(name => args.text(name) !== undefined)
  if (stray !== undefined)
    throw usage(`--${stray} is for a sweep.`, `Give --sweep ${axes} as well.`)
  const rateMbit = (args.wholeNumber('rate', 0, maxRateMbit) ?? (isOwnLab(args) ? 0 : boxedRateMbit)) || null
  const chosenModes = args.choices('modes', modes, modes)
  const repeats = args.wholeNumber('repeats', 1, maxRepeats) ?? defaultRepeats
  return { kind: 'race', legs: raceLegs({ modes: chosenModes, repeats, encoding: chosenEncoding(args), rateMbit }) }
}

function sweptRates(args: Arguments): readonly (number | null)[] {
  return args.list('rates')?.map(item => item === noCap ? null : wholeNumber('rates', item, 1, maxRateMbit)) ?? sweptRatesMbit
}

/** Throws `usage`. */
function sweepPlan(args: Arguments): Plan {
  args.choice('sweep', [axes], axes)
  const stray = ofRace.find(name => args.text(name) !== undefined)
  if (stray !== undefined)
    throw usage(`--${stray} is for a race, not for a sweep.`, 'A sweep has --rates, --encoders and --levels.')
  return { kind: 'sweep', legs: sweepLegs(sweptRates(args), sweptEncodings(args)) }
}

function outputOf(kind: Plan['kind'], result: RaceResult, legs: number): Output {
  const { prechecks, runs, problem } = result
  if (kind === 'race')
    return { json: { ...raceDocument(result), prechecks }, text: raceReport(result), failed: problem !== null }
  const migrated = runs.filter(run => run.result.outcome === 'migrated').length
  return { json: { ...sweepDocument(result), prechecks }, text: sweepReport(result), failed: migrated < legs }
}

/** Throws `usage`. */
function diskChoice(args: Arguments): RaceRequest['withDisk'] {
  const overwrite = args.flag('overwrite')
  if (overwrite && !args.flag('with-disk'))
    throw usage('--overwrite belongs to --with-disk.', 'Give both.')
  return args.flag('with-disk') ? { overwrite } : null
}

export const raceCommand: Command = {
  path: ['race'],
  operands: [],
  summary: `Migrates a guest there and back, stock and with ME2, and compares what each cost.
With --sweep ${axes} it goes over several link rates, at each once stock and once with each encoder.`,
  options: [
    { name: 'guest', value: 'GUEST', help: 'the guest' },
    { name: 'host', value: 'HOST', help: 'where it is; default on the boxed lab: found by itself' },
    { name: 'to', value: 'HOST', help: 'where it goes first; default on the boxed lab: the other host' },
    { name: 'modes', value: 'stock,me2', help: 'which modes, in the order of the first pair (default stock,me2)' },
    { name: 'repeats', value: 'N', help: `runs of each mode (default ${defaultRepeats}; an even number is fair to both directions)` },
    { name: 'rate', value: 'MBIT', help: `cap on the link, both modes alike (default on the boxed lab ${boxedRateMbit}, otherwise none; 0: none)` },
    ...encodingOptions,
    { name: 'sweep', value: axes, help: 'go over link rates and encoders instead' },
    { name: 'rates', value: `MBIT,…,${noCap}`, help: `of a sweep: the caps on the link (default ${sweptRatesMbit.map(rate => rate ?? noCap).join(',')})` },
    { name: 'encoders', value: 'ENCODER,…', help: 'of a sweep: the encoders (default none,rle,lz4,zstd,auto)' },
    { name: 'levels', value: 'N,…', help: 'of a sweep: the levels of zstd, each an encoder of its own' },
    { name: 'link', value: 'sealed|ssh|plain', help: 'how the data travels (default sealed: authenticated and encrypted)' },
    { name: 'no-verify', help: 'do not compare the guest\'s pages on both hosts at the end of each run' },
    { name: 'no-scrub', help: 'do not make left-out pages zero at the target' },
    { name: 'with-disk', help: 'the guest\'s local disk goes along, in stock mode whole, with ME2 what is used of it' },
    { name: 'overwrite', help: 'with --with-disk: what lies at the disk\'s path on the target may be written over' },
    { name: 'settle', value: 'SECONDS', help: `how long the guest runs undisturbed before each run (default ${defaultSettleSeconds})` },
    { name: 'host-address', value: 'IP', help: 'where --host is reached by the other host; default: looked for' },
    { name: 'to-address', value: 'IP', help: 'where --to is reached by the other host; default: looked for' },
    { name: 'force', help: 'go on in spite of what the pre-check found, where that cannot harm the guest' },
    ...hostOptions,
  ],
  run: async (context, args) => {
    const plan = args.text('sweep') === undefined ? racePlan(args) : sweepPlan(args)
    const settings = {
      link: args.choice('link', links, 'sealed'),
      verify: !args.flag('no-verify'),
      scrub: !args.flag('no-scrub'),
      settleMs: (args.wholeNumber('settle', 0, maxSettleSeconds) ?? defaultSettleSeconds) * 1000,
      force: args.flag('force'),
      withDisk: diskChoice(args),
    }
    const lab = await chooseLab(context, args)
    const { guest, host } = await locateGuest(context, lab, args)
    const away = otherHost(lab, host, args.text('to'))
    const home = withAddress(host, args.text('host-address'))
    const result = await runRace(context, lab, { ...plan, ...settings, guest, home, away: withAddress(away, args.text('to-address')) })
    return outputOf(plan.kind, result, plan.legs.length)
  },
}
