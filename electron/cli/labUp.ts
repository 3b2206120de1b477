/** Brings the boxed lab up with its progress on the terminal; Ctrl-C takes it back. */
import type { LabPlan } from '../../shared/model/labPlan.ts'
import type { LabProgress, LabStatus } from '../services/lab/types.ts'
import type { Context } from './command.ts'
import { formatMs } from '../../shared/model/format.ts'
import { usualLabPlan } from '../../shared/model/labPlan.ts'

const phaseNames: Record<LabProgress['phase'], string> = {
  tools: 'Boxed lab: tools',
  image: 'Boxed lab: image of the hosts',
  boot: 'Boxed lab: booting',
  disks: 'Boxed lab: disks of guests',
  guests: 'Boxed lab: guests',
}

export async function labUp({ services, terminal, onInterrupt }: Context, plan: LabPlan = usualLabPlan): Promise<LabStatus> {
  const abort = new AbortController()
  const release = onInterrupt(() => {
    terminal.line('Ending the lab …')
    abort.abort()
  })
  try {
    return await services.lab.up({ signal: abort.signal, plan }, ({ phase, detail, elapsedMs }) => {
      terminal.status(phaseNames[phase], `${detail} (${formatMs(elapsedMs)})`)
    })
  }
  finally {
    release()
    terminal.clear()
  }
}
