/** An autopilot for the command line: on the boxed lab's hosts or one's own, until a condition, a time or Ctrl-C ends it. */
import type { AutopilotView } from '../../shared/contract/autopilot.ts'
import type { AuditEntry, AutopilotMode } from '../../shared/model/autopilot/audit.ts'
import type { Policy } from '../../shared/model/autopilot/policy.ts'
import type { AuditLog } from '../services/autopilot/auditLog.ts'
import type { MoveSettings } from '../services/autopilot/moveGuest.ts'
import type { Context } from './command.ts'
import type { ChosenLab } from './hostSelection.ts'
import { Autopilot } from '../services/autopilot/autopilot.ts'
import { powerByProgram } from '../services/autopilot/hostPower.ts'
import { raceOwner } from '../services/migration/raceFacts.ts'
import { handleFor } from './hostSelection.ts'

export interface FlightPlan {
  lab: ChosenLab
  audit: AuditLog
  mode: AutopilotMode
  dryRun: boolean
  policy: Policy
  settings: MoveSettings
  powerProgram: string | null
  /** Called for each new entry of the audit log. */
  onEntry: (entry: AuditEntry) => void
  /** Called after each sample. */
  onView: (view: AutopilotView) => void
  /** True: it has gone on long enough. */
  isEnough: (view: AutopilotView) => boolean
  forMs: number
}

export interface FlightEnd {
  /** The last one before it was stopped. */
  view: AutopilotView
  entries: AuditEntry[]
  /** Why it stopped by itself. */
  problem: AutopilotView['problem']
}

export async function fly(context: Context, { lab, audit, mode, dryRun, policy, settings, powerProgram, onEntry, onView, isEnough, forMs }: FlightPlan): Promise<FlightEnd> {
  const { services, onInterrupt } = context
  const hosts = lab.hosts.map(host => ({ name: host.name, lab: lab.kind, handle: handleFor(context, host), linkAddress: host.linkAddress, standby: host.standby ?? false }))
  const autopilot = new Autopilot({
    audit,
    labGuest: name => lab.guests.find(guest => guest.name === name) ?? null,
    policy: () => policy,
    settings: () => settings,
    power: () => lab.kind === 'boxed' ? services.lab : powerByProgram(() => powerProgram),
    owner: raceOwner(),
    runs: services.runs,
    timing: services.timing,
    isBusy: () => false,
    onRun: () => {},
  })
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(), forMs)
  const release = onInterrupt(() => end.abort())
  const entries: AuditEntry[] = []
  let seen = audit.entries.at(-1)
  const tell = (log: readonly AuditEntry[]): void => {
    const fresh = log.slice(log.lastIndexOf(seen as AuditEntry) + 1)
    seen = log.at(-1)
    entries.push(...fresh)
    fresh.forEach(onEntry)
  }
  try {
    await autopilot.start({ hosts, mode, dryRun })
    let { value: view } = autopilot.view
    for await (const next of autopilot.view.follow({ signal: end.signal })) {
      tell(next.log)
      if (next.state !== 'watching')
        break
      view = next
      onView(view)
      if (isEnough(view))
        break
    }
    await autopilot.stop()
    tell(audit.entries)
    return { view, entries, problem: autopilot.view.value.problem }
  }
  finally {
    clearTimeout(timer)
    release()
    await Promise.all(hosts.map(async ({ handle }) => handle.close()))
  }
}
