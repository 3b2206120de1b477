/** A made-up autopilot for tests of what the screen shows. */
import type { AutopilotHostView, AutopilotView } from '../../../shared/contract/autopilot.ts'
import type { Move } from '../../../shared/model/autopilot/planner.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'

export function guestView(name: string, cores: number, change: Partial<AutopilotHostView['guests'][number]> = {}): AutopilotHostView['guests'][number] {
  return { name, cores, memoryMiB: 256, usedMiB: 128, dirtyMiBPerSecond: 0.4, held: null, note: null, ...change }
}

export function hostView(name: string, dom0Cores: number, guests: AutopilotHostView['guests'], change: Partial<AutopilotHostView> = {}): AutopilotHostView {
  const load = (dom0Cores + guests.reduce((sum, { cores }) => sum + cores, 0)) / (change.cpus ?? 1)
  const memoryMiB = 1250
  return {
    name, power: 'on', cpus: 1, memoryMiB, freeMiB: memoryMiB - 256 * guests.length, dom0Cores, network: { receivedBytesPerSecond: 1.2e6, sentBytesPerSecond: 3.4e6 }, busy: false, problem: null, guests,
    evidence: { heat: load > 0.75 ? 'hot' : 'normal', load, mean: load, forecast: load, above: load > 0.75 ? 5 : 0, heard: 5 },
    loads: [load - 0.1, load - 0.05, null, load, load], ...change,
  }
}

export const webToC: Move = { guest: 'web', from: 'hosta', to: 'hostc', cost: { bytes: 98e6, ms: 12_400, downtimeMs: 420 }, gainShare: 0.34 }

/** Three hosts, one of them too busy, and what would be done about it. */
export function busyView(change: Partial<AutopilotView> = {}): AutopilotView {
  return {
    state: 'watching', mode: 'ask', dryRun: false, problem: null, lab: 'boxed', doubled: [], warmUp: 0, packsForMs: null,
    hosts: [
      hostView('hosta', 0.08, [guestView('web', 0.45), guestView('db', 0.4, { held: 'coolingDown' })]),
      hostView('hostb', 0.07, [guestView('web2', 0.3)]),
      hostView('hostc', 0.06, [guestView('idle', 0.04, { usedMiB: null, dirtyMiBPerSecond: null })]),
    ],
    plan: { scenario: 'balance', host: 'hosta', steps: [{ kind: 'move', move: webToC }], rejected: [{ guest: 'db', to: null, why: 'coolingDown' }, { guest: 'web', to: 'hostb', why: 'wouldBeTooBusy' }] },
    proposal: 'p1',
    underWay: [], queue: [], link: usualLink,
    log: [
      { at: '2026-11-24T01:00:00.000Z', kind: 'moved', move: webToC, outcome: 'migrated', run: 'r', cost: { bytes: 106e6, ms: 18_400, downtimeMs: 1000 }, summary: 'web runs on hostc.' },
      { at: '2026-11-24T01:01:00.000Z', kind: 'switched', host: 'hostc', to: 'standby', ms: 3000 },
    ],
    ...change,
  }
}
