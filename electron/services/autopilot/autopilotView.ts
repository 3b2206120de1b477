/** The autopilot as the contract shows it. */
import type { AutopilotHostView, AutopilotView } from '../../../shared/contract/autopilot.ts'
import type { AuditEntry } from '../../../shared/model/autopilot/audit.ts'
import type { GuestState, HostState } from '../../../shared/model/autopilot/cluster.ts'
import type { Flight } from './flight.ts'
import { freeMiB, guestsOn } from '../../../shared/model/autopilot/cluster.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { whyNotFrom } from '../../../shared/model/autopilot/rules.ts'

const shownEntries = 100

export function nothingYet(log: readonly AuditEntry[]): AutopilotView {
  return {
    state: 'off', mode: 'advise', dryRun: false, problem: null, lab: null, hosts: [], doubled: [], warmUp: 0, packsForMs: null, plan: null, proposal: null,
    underWay: [], queue: [], link: usualLink, log: log.slice(-shownEntries),
  }
}

function guestView(flight: Flight, guest: GuestState, nowMs: number): AutopilotHostView['guests'][number] {
  const { name, cores, memoryMiB, usedMiB, dirtyMiBPerSecond } = guest
  const circumstances = { nowMs, movedAtMs: flight.mind.movedAtMs, busyHosts: flight.hands.busyHosts() }
  return { name, cores, memoryMiB, usedMiB, dirtyMiBPerSecond, held: whyNotFrom(guest, flight.policy(), circumstances), note: flight.refused.get(name) ?? flight.eyes.problemOfGuest(name)?.message ?? null }
}

function hostView(flight: Flight, name: string, host: HostState | undefined, nowMs: number): AutopilotHostView {
  const { eyes, mind: { state, heat } } = flight
  return {
    name,
    power: eyes.powerOf(name),
    evidence: heat.get(name) ?? null,
    cpus: host?.cpus ?? 0,
    memoryMiB: host?.memoryMiB ?? 0,
    freeMiB: host && state ? freeMiB(state, host) : 0,
    dom0Cores: host?.dom0Cores ?? 0,
    network: eyes.networkOf(name, nowMs),
    busy: flight.hands.busyHosts().has(name),
    problem: eyes.problemOf(name),
    guests: state ? guestsOn(state, name).map(guest => guestView(flight, guest, nowMs)) : [],
    loads: [...flight.seen.get(name) ?? []],
  }
}

export function autopilotView(flight: Flight, log: readonly AuditEntry[]): AutopilotView {
  const { start, mind, hands, plan, proposal, queue, link } = flight
  const nowMs = performance.now()
  return {
    ...nothingYet(log),
    state: 'watching',
    mode: start.mode,
    dryRun: start.dryRun,
    lab: start.hosts[0]!.lab,
    hosts: start.hosts.map(({ name }) => hostView(flight, name, mind.state?.hosts.find(host => host.name === name), nowMs)),
    doubled: [...flight.doubled],
    warmUp: Math.max(0, flight.policy().warmUp - mind.history.samples),
    packsForMs: mind.packsSinceMs === null ? null : nowMs - mind.packsSinceMs,
    plan,
    proposal: proposal?.id ?? null,
    underWay: [...hands.doing].map(({ step, sinceMs, phase, linkBytes }) => ({ step, elapsedMs: nowMs - sinceMs, phase, linkBytes })),
    queue,
    link,
  }
}
