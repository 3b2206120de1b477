/** Runs one race for the command line: live progress, Ctrl-C cancels while that is possible. */
import type { RaceRequest, RaceResult } from '../services/migration/race.ts'
import type { Context } from './command.ts'
import type { ChosenHost, ChosenLab } from './hostSelection.ts'
import { hostname, userInfo } from 'node:os'
import process from 'node:process'
import { startRace } from '../services/migration/race.ts'
import { handleFor } from './hostSelection.ts'
import { RaceProgress } from './raceProgress.ts'

export interface RaceChoice extends Pick<RaceRequest, 'guest' | 'modes' | 'repeats' | 'encoder' | 'link' | 'rateMbit' | 'verify' | 'scrub' | 'settleMs' | 'force'> {
  home: ChosenHost
  away: ChosenHost
}

/** Printable ASCII, as the agent takes it. */
function owner(): string {
  return `${userInfo().username}@${hostname()}, process ${process.pid}`.replaceAll(/[^\x20-\x7E]/g, '?').slice(0, 100)
}

function knownAddresses(hosts: readonly ChosenHost[]): Record<string, string> {
  return Object.fromEntries(hosts.flatMap(({ name, linkAddress }) => linkAddress === null ? [] : [[name, linkAddress]]))
}

export async function runRace(context: Context, lab: ChosenLab, choice: RaceChoice): Promise<RaceResult> {
  const { terminal, services, onInterrupt } = context
  const labGuest = lab.guests.find(guest => guest.name === choice.guest)
  const [home, away] = [handleFor(context, choice.home), handleFor(context, choice.away)]
  const progress = new RaceProgress(terminal)
  const job = startRace({
    ...choice,
    home,
    away,
    lab: lab.kind,
    addresses: knownAddresses([choice.home, choice.away]),
    workload: labGuest ? { profile: labGuest.profile, sentence: labGuest.sentence } : null,
    heartbeat: labGuest ? { port: labGuest.heartbeatPort, address: labGuest.address } : null,
    owner: owner(),
    runs: services.runs,
    timing: services.timing,
    onEvent: event => progress.show(event),
  })
  const release = onInterrupt(() => {
    const answer = job.cancel()
    terminal.line(answer.accepted ? 'Cancelling: the guest stays where it is.' : `${answer.reason} The race ends after this run.`)
  })
  try {
    return await job.result
  }
  finally {
    release()
    terminal.clear()
    await Promise.all([home.close(), away.close()])
  }
}
