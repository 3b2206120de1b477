/** Runs one race or sweep for the command line: live progress, Ctrl-C cancels while that is possible. */
import type { RaceRequest, RaceResult } from '../services/migration/race.ts'
import type { Context } from './command.ts'
import type { ChosenHost, ChosenLab } from './hostSelection.ts'
import { startRace } from '../services/migration/race.ts'
import { knownAddresses, labGuestFacts, raceOwner } from '../services/migration/raceFacts.ts'
import { handleFor } from './hostSelection.ts'
import { RaceProgress } from './raceProgress.ts'

export interface RaceChoice extends Pick<RaceRequest, 'kind' | 'legs' | 'guest' | 'link' | 'verify' | 'scrub' | 'settleMs' | 'force' | 'withDisk'> {
  home: ChosenHost
  away: ChosenHost
}

export async function runRace(context: Context, lab: ChosenLab, choice: RaceChoice): Promise<RaceResult> {
  const { terminal, services, onInterrupt } = context
  const [home, away] = [handleFor(context, choice.home), handleFor(context, choice.away)]
  const progress = new RaceProgress(terminal)
  const job = startRace({
    ...choice,
    home,
    away,
    lab: lab.kind,
    addresses: knownAddresses([choice.home, choice.away]),
    ...labGuestFacts(lab.guests.find(guest => guest.name === choice.guest) ?? null),
    owner: raceOwner(),
    runs: services.runs,
    timing: services.timing,
    onEvent: event => progress.show(event),
  })
  const release = onInterrupt(() => {
    const answer = job.cancel()
    terminal.line(answer.accepted ? 'Cancelling: the guest stays where it is.' : `${answer.reason} No other run is started.`)
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
