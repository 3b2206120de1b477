/** What `npm start` does until there is a screen: the lab comes up, and one guest races. */
import type { Command, Context, Output } from '../command.ts'
import { raceDocument } from '../../../shared/model/raceDocument.ts'
import { Arguments } from '../arguments.ts'
import { locateGuest } from '../guestSelection.ts'
import { chooseLab, hostOptions, otherHost } from '../hostSelection.ts'
import { labUp } from '../labUp.ts'
import { raceReport } from '../raceReport.ts'
import { runRace } from '../raceRun.ts'

const guest = 'web'
const rateMbit = 20

const next = `
The lab goes on running. What next:
  npm run -s me2 -- race --guest db --repeats 2    two pairs, so that each mode goes each way
  npm run -s me2 -- map --guest web --shares       what the guest's pages are, and what there is to gain
  npm run -s me2 -- runs list                      all runs, also this one's
  npm run -s me2 -- --help
  npm run -s me2 -- lab down                       ends the lab`

async function raceOnce(context: Context): Promise<Output> {
  const args = Arguments.parse(['--guest', guest], [{ name: 'guest', value: 'GUEST', help: '' }, ...hostOptions])
  const lab = await chooseLab(context, args)
  const { host } = await locateGuest(context, lab, args)
  const result = await runRace(context, lab, {
    guest, rateMbit, home: host, away: otherHost(lab, host, undefined), modes: ['stock', 'me2'], repeats: 1, encoder: 'rle', link: 'sealed',
    verify: true, scrub: true, settleMs: 5000, force: false,
  })
  return { json: raceDocument(result), text: raceReport(result) + next, failed: result.problem !== null }
}

export const startCommand: Command = {
  path: ['start'],
  operands: [],
  summary: `Brings the boxed lab up and races the guest ${guest} once: what npm start does.`,
  options: [],
  run: async (context) => {
    const { services: { lab }, terminal, onInterrupt } = context
    const startedHere = (await lab.status()).state !== 'running'
    let interrupted = false
    const release = onInterrupt(() => {
      interrupted = true
    })
    try {
      terminal.line('Two real Xen hosts in QEMU on this machine, then one race: a guest migrates there as stock Xen does it, and back with ME2.')
      await labUp(context)
      return await raceOnce(context)
    }
    finally {
      release()
      if (interrupted && startedHere)
        await lab.down()
    }
  },
}
