import type { AutopilotView } from '../../../shared/contract/autopilot.ts'
import type { Policy } from '../../../shared/model/autopilot/policy.ts'
import type { Arguments } from '../arguments.ts'
import type { FlightPlan } from '../autopilotFlight.ts'
import type { Command, Context } from '../command.ts'
import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { policyPresetNames, policyPresets, policySchema, samplePeriodMs } from '../../../shared/model/autopilot/policy.ts'
import { LoadRecorder } from '../../../shared/model/autopilot/recorder.ts'
import { presets } from '../../../shared/model/encoding.ts'
import { AuditLog } from '../../services/autopilot/auditLog.ts'
import { fly } from '../autopilotFlight.ts'
import { entryText, hostsTable, planText } from '../autopilotWords.ts'
import { chooseLab, hostOptions } from '../hostSelection.ts'
import { readJsonFile } from '../jsonFile.ts'
import { simulateCommand } from './simulate.ts'

const maxRateMbit = 400_000
const usualMinutes = 10
const maxSeconds = 7 * 86_400
const maxPolicyBytes = 256 * 1024
/** Two samples make the first difference of counters. */
const firstSamplesMs = 60_000

const flightOptions = [
  { name: 'policy', value: 'NAME', help: `${policyPresetNames.join(', ')} (default balanced)` },
  { name: 'policy-file', value: 'FILE', help: 'JSON with those fields of the policy that are to be other than the preset\'s' },
  { name: 'rate', value: 'MBIT', help: 'cap on the link of each move (default none)' },
  ...hostOptions,
] as const

/** Throws `usage`. */
async function chosenPolicy(args: Arguments): Promise<Policy> {
  const preset = policyPresets[args.choice('policy', policyPresetNames, 'balanced')]
  const file = args.text('policy-file')
  if (file === undefined)
    return preset
  return readJsonFile(file, {
    what: 'a policy',
    has: `It is a JSON object with some of: ${Object.keys(preset).join(', ')}.`,
    maxBytes: maxPolicyBytes,
    parse: value => policySchema.strict().parse({ ...preset, ...z.record(z.string(), z.unknown()).parse(value) }),
  })
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
