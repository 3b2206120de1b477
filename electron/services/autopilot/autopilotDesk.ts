/** The console's one autopilot: with its hosts by name, its policy from the settings, and the power of each kind of host. */
import type { AutopilotMode } from '../../../shared/model/autopilot/audit.ts'
import type { HostRegistry } from '../hosts/hostRegistry.ts'
import type { LabJob } from '../lab/labJob.ts'
import type { SettingsStore } from '../settings/settingsStore.ts'
import type { AutopilotOptions } from './flight.ts'
import type { HostPower } from './hostPower.ts'
import { encodingWith } from '../../../shared/model/encoding.ts'
import { Autopilot } from './autopilot.ts'
import { powerByProgram } from './hostPower.ts'

export interface AutopilotDeskOptions extends Pick<AutopilotOptions, 'audit' | 'owner' | 'runs' | 'timing' | 'isBusy' | 'onRun'> {
  hosts: HostRegistry
  lab: LabJob
  settings: SettingsStore
}

export interface AutopilotRequest {
  hosts: readonly string[]
  mode: AutopilotMode
  dryRun: boolean
}

export function autopilotDesk({ hosts, lab, settings, ...others }: AutopilotDeskOptions) {
  const chosen = () => settings.settings.value
  const byProgram = powerByProgram(() => chosen().autopilot.powerProgram)
  const autopilot = new Autopilot({
    ...others,
    labGuest: name => hosts.labGuest(name),
    policy: () => chosen().autopilot.policy,
    settings: () => {
      const { encoder, link, rateMbit, verify, scrub } = chosen().race
      return { encoding: encodingWith(encoder, chosen().race), link, rateMbit, verify, scrub }
    },
    power: host => seenResting(hosts, host.lab === 'boxed' ? lab : byProgram),
  })
  void holdWhileOn(autopilot, hosts)
  return {
    get view() {
      return autopilot.view
    },
    get isOn() {
      return autopilot.isOn
    },
    get isMoving() {
      return autopilot.isMoving
    },
    /** Throws `usage` for a host nobody knows, and what `Autopilot.start` throws. */
    async start({ hosts: names, ...how }: AutopilotRequest): Promise<void> {
      const resting = lab.view.value.hosts.filter(({ standby }) => standby).map(({ name }) => name)
      await autopilot.start({ ...how, hosts: names.map(name => ({ ...hosts.host(name), standby: resting.includes(name) })) })
    },
    stop: async () => autopilot.stop(),
    approve: (id: string) => autopilot.approve(id),
    dismiss: (id: string) => autopilot.dismiss(id),
    auditText: async () => others.audit.text(),
  }
}

/** The list of hosts says so as well. */
function seenResting(hosts: HostRegistry, power: HostPower): HostPower {
  return {
    standBy: async (host) => {
      hosts.setResting(host, true)
      try {
        await power.standBy(host)
      }
      catch (error) {
        hosts.setResting(host, false)
        throw error
      }
    },
    wake: async (host) => {
      await power.wake(host)
      hosts.setResting(host, false)
    },
  }
}

/** It may stop by itself. */
async function holdWhileOn(autopilot: Autopilot, hosts: HostRegistry): Promise<void> {
  for await (const { state } of autopilot.view.follow())
    hosts.hold('autopilot', state === 'off' ? [] : autopilot.hosts)
}
