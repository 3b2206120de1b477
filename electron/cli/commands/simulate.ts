import type { SimulatedLoad } from '../../../shared/model/autopilot/load.ts'
import type { SimulatedOutcome } from '../../../shared/model/autopilot/simulator.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Output } from '../command.ts'
import { generatedLoad, recordedLoad, recordedLoadSchema, simulationLimits } from '../../../shared/model/autopilot/load.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { policyPresetNames, policyPresets } from '../../../shared/model/autopilot/policy.ts'
import { simulate } from '../../../shared/model/autopilot/simulator.ts'
import { formatBytes, formatCount } from '../../../shared/model/format.ts'
import { readJsonFile } from '../jsonFile.ts'
import { formatTable } from '../table.ts'

const maxFileBytes = 256 * 1024 * 1024
const maxSeed = 2 ** 32 - 1
const maxRateMbit = 400_000

/** Throws `usage`. */
async function readLoad(path: string): Promise<SimulatedLoad> {
  return readJsonFile(path, {
    what: 'a recorded load',
    has: 'It is JSON: hosts with name, cpus and memoryMiB; guests with name, host, memoryMiB and cores, a number for every 5 seconds.',
    maxBytes: maxFileBytes,
    parse: value => recordedLoad(recordedLoadSchema.parse(value)),
  })
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

export const simulateCommand: Command = {
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
    { name: 'policy', value: 'NAME', help: `${policyPresetNames.join(', ')} (default balanced)` },
    { name: 'rate', value: 'MBIT', help: 'of the link that guests move over (default 1000)' },
  ],
  run: async (_context, args) => {
    const policy = policyPresets[args.choice('policy', policyPresetNames, 'balanced')]
    const load = await chosenLoad(args)
    const link = { ...usualLink, mbit: args.wholeNumber('rate', 1, maxRateMbit) ?? usualLink.mbit }
    return describe(load, simulate(load, policy, link).policies)
  },
}
