import type { AutopilotView } from '../../../shared/contract/autopilot.ts'
import type { SimulatedLoad } from '../../../shared/model/autopilot/load.ts'
import type { Policy } from '../../../shared/model/autopilot/policy.ts'
import type { SimulatedOutcome } from '../../../shared/model/autopilot/simulator.ts'
import type { Arguments } from '../arguments.ts'
import type { FlightPlan } from '../autopilotFlight.ts'
import type { Command, Context, Output } from '../command.ts'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { Me2Error } from '../../../shared/errors.ts'
import { generatedLoad, recordedLoad, recordedLoadSchema, simulationLimits } from '../../../shared/model/autopilot/load.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { policyPresets, policySchema, samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { LoadRecorder } from '../../../shared/model/autopilot/recorder.ts'
import { simulate } from '../../../shared/model/autopilot/simulator.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { formatBytes, formatCount } from '../../../shared/model/format.ts'
import { AuditLog } from '../../services/autopilot/auditLog.ts'
import { usage } from '../arguments.ts'
import { fly } from '../autopilotFlight.ts'
import { entryText, hostsTable, planText } from '../autopilotWords.ts'
import { chooseLab, hostOptions } from '../hostSelection.ts'
import { formatTable } from '../table.ts'

const maxFileBytes = 256 * 1024 * 1024
const maxSeed = 2 ** 32 - 1
const presetNames = Object.keys(policyPresets) as (keyof typeof policyPresets)[]
const maxRateMbit = 400_000

function unreadable(path: string, why: string): Me2Error {
  return new Me2Error('usage', `${path} is no recorded load: ${why}.`, 'It is JSON: hosts with name, cpus and memoryMiB; guests with name, host, memoryMiB and cores, a number for every 5 seconds.')
}

async function readLoad(path: string): Promise<SimulatedLoad> {
  const size = await stat(path).then(file => file.size, () => null)
  if (size === null || size > maxFileBytes)
    throw unreadable(path, size === null ? 'it cannot be read' : `it is larger than ${formatBytes(maxFileBytes)}`)
  try {
    return recordedLoad(recordedLoadSchema.parse(JSON.parse(await readFile(path, 'utf8'))))
  }
  catch (error) {
    throw unreadable(path, error instanceof z.ZodError ? `${error.issues[0]!.path.join('.')}: ${error.issues[0]!.message}` : (error as Error).message)
  }
}

async function chosenLoad(args: Arguments): Promise<SimulatedLoad> {
  const [path] = args.operands
  if (path !== undefined)
    return readLoad(path)
  return generatedLoad({
    hosts: args.wholeNumber('hosts', 2, simulationLimits.hosts) ?? 8,
    guests: args.wholeNumber('guests', 1, simulationLimits.guests) ?? 48,
    hours: args.wholeNumber('hours', 1, simulationLimits.hours) ?? 24,
    seed: args.wholeNumber('seed', 0, maxSeed) ?? 1,
    meanShare: (args.wholeNumber('load', 1, 100) ?? 60) / 100,
  })
}

function row({ name, migrations, secondsAboveThreshold, bytesMoved, hostHours }: SimulatedOutcome): string[] {
  return [name, formatCount(migrations), formatCount(Math.round(secondsAboveThreshold)), formatBytes(bytesMoved), hostHours.toFixed(1)]
}

function describe(load: SimulatedLoad, policies: readonly SimulatedOutcome[]): Output {
  const table = formatTable([['policy', 'migrations', 'host-seconds above threshold', 'moved', 'host-hours'], ...policies.map(row)])
  const what = `Simulation, nothing was migrated: ${load.hosts.length} hosts, ${load.guests.length} guests, ${(load.steps / 720).toFixed(1)} hours.`
  return { json: { simulation: true, policies }, text: `${what}\n${table}` }
}

const simulateCommand: Command = {
  path: ['autopilot', 'simulate'],
  operands: [],
  optionalOperand: 'FILE',
  summary: 'Tries the autopilot\'s planner against other rules on a simulated cluster; FILE: on a load recorded before.',
  options: [
    { name: 'hosts', value: 'N', help: `2 to ${simulationLimits.hosts} (default 8)` },
    { name: 'guests', value: 'M', help: `up to ${simulationLimits.guests} (default 48)` },
    { name: 'hours', value: 'H', help: `up to ${simulationLimits.hours} (default 24)` },
    { name: 'seed', value: 'S', help: 'the same seed makes the same load (default 1)' },
    { name: 'load', value: 'PERCENT', help: 'mean load of a host (default 60)' },
    { name: 'policy', value: 'NAME', help: `${presetNames.join(', ')} (default balanced)` },
    { name: 'rate', value: 'MBIT', help: 'of the link that guests move over (default 1000)' },
  ],
  run: async (_context, args) => {
    const policy = policyPresets[args.choice('policy', presetNames, 'balanced')]
    const load = await chosenLoad(args)
    const link = { ...usualLink, mbit: args.wholeNumber('rate', 1, maxRateMbit) ?? usualLink.mbit }
    return describe(load, simulate(load, policy, link).policies)
  },
}

const usualMinutes = 10
const maxSeconds = 7 * 86_400
const maxPolicyBytes = 256 * 1024
/** Two samples make the first difference of counters. */
const firstSamplesMs = 60_000

const flightOptions = [
  { name: 'policy', value: 'NAME', help: `${presetNames.join(', ')} (default balanced)` },
  { name: 'policy-file', value: 'FILE', help: 'JSON with those fields of the policy that are to be other than the preset\'s' },
  { name: 'rate', value: 'MBIT', help: 'cap on the link of each move (default none)' },
  ...hostOptions,
] as const

/** Throws `usage`. */
async function chosenPolicy(args: Arguments): Promise<Policy> {
  const preset = policyPresets[args.choice('policy', presetNames, 'balanced')]
  const file = args.text('policy-file')
  if (file === undefined)
    return preset
  const text = await stat(file).then(async ({ size }) => size <= maxPolicyBytes ? readFile(file, 'utf8') : null, () => null)
  if (text === null)
    throw usage(`${file} cannot be read.`)
  try {
    return policySchema.strict().parse({ ...preset, ...JSON.parse(text) })
  }
  catch (error) {
    throw usage(`${file} is no policy: ${error instanceof z.ZodError ? `${error.issues[0]!.path.join('.')}: ${error.issues[0]!.message}` : (error as Error).message}.`)
  }
}

type Ending = Pick<FlightPlan, 'isEnough' | 'forMs'>

async function look(context: Context, args: Arguments, ending: Ending): Promise<AutopilotView> {
  const lab = await chooseLab(context, args)
  const { view } = await fly(context, { ...ending, lab, audit: AuditLog.inMemory(), mode: 'advise', dryRun: true, policy: await chosenPolicy(args), settings: moveSettings(args), powerProgram: null, onEntry: () => {}, onView: () => {} })
  return view
}

function moveSettings(args: Arguments): FlightPlan['settings'] {
  return { encoding: presets.best, link: 'sealed', rateMbit: (args.wholeNumber('rate', 0, maxRateMbit) ?? 0) || null, verify: !args.flag('no-verify'), scrub: true }
}

const statusCommand: Command = {
  path: ['autopilot', 'status'],
  operands: [],
  summary: 'Tells how busy the hosts and their guests are, and what the guests\' memory holds.',
  options: flightOptions,
  run: async (context, args) => {
    const view = await look(context, args, { forMs: firstSamplesMs, isEnough: ({ hosts }) => hosts.every(({ guests, evidence }) => evidence !== null && guests.every(({ usedMiB, note }) => usedMiB !== null || note !== null)) })
    return { json: { hosts: view.hosts }, text: hostsTable(view) }
  },
}

const planCommand: Command = {
  path: ['autopilot', 'plan'],
  operands: [],
  summary: 'Watches until it has warmed up, and tells what it would do now and why. Moves nothing.',
  options: flightOptions,
  run: async (context, args) => {
    const { warmUp } = await chosenPolicy(args)
    const view = await look(context, args, { forMs: firstSamplesMs + warmUp * samplePeriodMs, isEnough: ({ plan }) => plan !== null && plan.scenario !== 'waiting' })
    return { json: { plan: view.plan, hosts: view.hosts }, text: `${hostsTable(view)}\n${view.plan ? planText(view.plan) : 'No host was heard.'}`, failed: view.plan === null }
  },
}

const runCommand: Command = {
  path: ['autopilot', 'run'],
  operands: [],
  summary: 'Watches the hosts, decides, and in the mode auto migrates guests and switches hosts by itself. Ctrl-C stops it.',
  options: [
    { name: 'mode', value: 'advise|auto', help: 'only say what should be done (default), or do it' },
    { name: 'for', value: 'SECONDS', help: `how long (default ${usualMinutes * 60})` },
    { name: 'dry-run', help: 'in the mode auto: decide, and do nothing' },
    { name: 'record', value: 'FILE', help: 'write what the guests used to a file, for autopilot simulate' },
    { name: 'no-verify', help: 'do not compare a guest\'s pages on both hosts after each move' },
    { name: 'power-program', value: 'FILE', help: 'called as FILE standby|wake HOST; not needed for the boxed lab' },
    ...flightOptions,
  ],
  run: async (context, args) => {
    const recordTo = args.text('record')
    const recorder = recordTo === undefined ? null : new LoadRecorder()
    const seconds = args.wholeNumber('for', 1, maxSeconds) ?? usualMinutes * 60
    const { view, entries, problem } = await fly(context, {
      lab: await chooseLab(context, args),
      audit: await context.services.audit(),
      mode: args.choice('mode', ['advise', 'auto'], 'advise'),
      dryRun: args.flag('dry-run'),
      policy: await chosenPolicy(args),
      settings: moveSettings(args),
      powerProgram: args.text('power-program') ?? null,
      onEntry: entry => context.terminal.line(`${entry.at.slice(11, 19)} ${entryText(entry)}`),
      onView: view => recorder?.add(view.hosts),
      isEnough: () => false,
      forMs: seconds * 1000,
    })
    if (recorder)
      await writeFile(recordTo!, `${JSON.stringify(recorder.recording())}\n`)
    return { json: { entries, hosts: view.hosts, problem }, text: hostsTable(view), failed: problem !== null }
  },
}

export const autopilotCommands = [statusCommand, planCommand, runCommand, simulateCommand]
