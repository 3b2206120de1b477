/** What the autopilot says, in words for a terminal. */
import type { AutopilotView } from '../../shared/contract/autopilot.ts'
import type { AuditEntry } from '../../shared/model/autopilot/audit.ts'
import type { MigrationCost } from '../../shared/model/autopilot/migrationCost.ts'
import type { Plan, Step } from '../../shared/model/autopilot/planner.ts'
import { formatBytes, formatRate, formatShare } from '../../shared/model/format.ts'
import { formatTable } from './table.ts'

function costText({ bytes, ms, downtimeMs }: MigrationCost): string {
  return `${formatBytes(bytes)} in ${(ms / 1000).toFixed(1)} s, paused for ${(downtimeMs / 1000).toFixed(1)} s`
}

function stepText(step: Step): string {
  switch (step.kind) {
    case 'move': return `move ${step.move.guest} from ${step.move.from} to ${step.move.to} (about ${costText(step.move.cost)})`
    case 'standby': return `put ${step.host} to standby`
    case 'wake': return `wake ${step.host}`
  }
}

export function planText({ scenario, host, steps }: Plan): string {
  if (scenario === 'waiting')
    return 'Waiting: there are not enough samples yet, or as much is under way as may be.'
  if (scenario === 'idle')
    return 'Nothing to do.'
  const what = scenario === 'save' ? `Power saving: ${host} can be emptied` : host === null ? 'Load balancing: the hosts that are on get full' : `Load balancing: ${host} is too busy`
  return steps.length === 0 ? `${what}, and nothing can be done about it.` : `${what}: ${steps.map(stepText).join(', then ')}.`
}

export function entryText(entry: AuditEntry): string {
  switch (entry.kind) {
    case 'started': return `The autopilot watches ${entry.hosts.join(', ')}, mode ${entry.mode}${entry.dryRun ? ', dry run' : ''}.`
    case 'decided': return `${planText(entry.plan)}${entry.plan.steps.length > 0 && !entry.acted ? ' (not done)' : ''}`
    case 'moving': return `Moving ${entry.move.guest} from ${entry.move.from} to ${entry.move.to}; predicted: ${costText(entry.move.cost)}.`
    case 'moved': return `${entry.move.guest}: ${entry.outcome}. ${entry.summary}${entry.cost ? ` It took ${costText(entry.cost)}.` : ''}`
    case 'overtaken': return `Given up, because things have changed: ${entry.steps.map(stepText).join(', ')}.`
    case 'switching': return entry.to === 'on' ? `Waking ${entry.host}.` : `Putting ${entry.host} to standby.`
    case 'switched': return `${entry.host} is ${entry.to === 'on' ? 'on' : 'in standby'} after ${(entry.ms / 1000).toFixed(0)} s.`
    case 'approved': return `Approved: ${planText(entry.plan)}`
    case 'dismissed': return `Dismissed: ${planText(entry.plan)}`
    case 'stopped': return entry.problem ? `The autopilot stopped by itself: ${entry.problem.message} ${entry.problem.action}` : 'The autopilot was stopped.'
  }
}

const unknown = '-'

export function hostsTable({ hosts }: AutopilotView): string {
  const share = (value: number | null | undefined): string => value === null || value === undefined ? unknown : formatShare(value)
  const rows = hosts.map(({ name, power, evidence, freeMiB, memoryMiB, network, guests, problem }) => [
    name,
    power === 'on' ? evidence?.heat ?? 'not heard' : power,
    share(evidence?.load),
    share(evidence?.mean),
    share(evidence?.forecast),
    `${memoryMiB - freeMiB} of ${memoryMiB} MiB`,
    network ? `${formatRate(network.receivedBytesPerSecond)} in, ${formatRate(network.sentBytesPerSecond)} out` : unknown,
    problem?.message ?? guests.map(({ name: guest, cores, usedMiB, memoryMiB: assigned }) => `${guest} ${cores.toFixed(2)} cores, ${usedMiB === null ? unknown : Math.round(usedMiB)} of ${assigned} MiB in use`).join('; '),
  ])
  return formatTable([['host', 'state', 'load', 'mean', 'forecast', 'memory', 'network', 'guests'], ...rows], ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'left'])
}
