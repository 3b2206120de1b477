/** What a run came to: the agents' figures, the hosts' facts, and what of it a user must look at. Pure. */
import type { Problem } from '../../../shared/errors.ts'
import type { RunResult } from '../../../shared/model/run.ts'
import type { RunFigures } from '../../../shared/model/runFigures.ts'
import type { Verdict } from '../../../shared/model/whereabouts.ts'
import { resultFigures } from '../../../shared/model/runFigures.ts'

export interface Ending {
  verdict: Verdict
  figures: RunFigures
  /** What went wrong between the agents. */
  problem: Problem | null
  leftovers: string[]
  endedAt: Date
}

const keepBoth = 'Keep the run, and do not trust this guest\'s memory.'

/** A guest that runs, but not with the memory or the disk it had. */
function contentsProblem({ verify, disk, guestBad }: ReturnType<typeof resultFigures>): Problem | null {
  if (disk?.verify && disk.verify.differing > 0)
    return { code: 'stream', message: `${disk.verify.differing} of ${disk.verify.compared} blocks of the disk differ between source and target.`, action: 'Keep the run. The source\'s disk is as it was: shut the guest down, and start it there again.' }
  if (verify && verify.differing > 0)
    return { code: 'stream', message: `${verify.differing} of ${verify.compared} pages differ between source and target.`, action: keepBoth }
  if (guestBad !== null && guestBad > 0)
    return { code: 'stream', message: `The guest found ${guestBad} pages of its own that are not as it wrote them.`, action: keepBoth }
  return null
}

function stateProblem({ outcome, summary }: Verdict): Problem | null {
  if (outcome === 'migrated')
    return null
  if (outcome === 'aborted')
    return { code: 'xl-failed', message: 'The migration did not take place.', action: 'See xl\'s own lines in the run\'s events.' }
  return { code: 'state-unknown', message: summary, action: 'Look at both hosts (xl list) before you do anything else; the console destroyed nothing.' }
}

export function conclude({ verdict, figures, problem, leftovers, endedAt }: Ending): RunResult {
  const result = resultFigures(figures)
  return {
    ...result,
    outcome: verdict.outcome,
    summary: verdict.summary,
    where: verdict.where,
    leftovers: [...verdict.leftovers, ...leftovers],
    problem: problem ?? stateProblem(verdict) ?? contentsProblem(result),
    endedAt: endedAt.toISOString(),
  }
}
