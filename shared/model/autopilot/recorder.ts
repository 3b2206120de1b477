/** Writes down what guests use, sample by sample, as the simulator takes it. */
import type { z } from 'zod'
import type { recordedLoadSchema } from './load.ts'
import { maxSteps } from './load.ts'

export interface SampledHost {
  name: string
  cpus: number
  memoryMiB: number
  guests: readonly { name: string, cores: number, memoryMiB: number, usedMiB: number | null, dirtyMiBPerSecond: number | null }[]
}

type Recording = z.input<typeof recordedLoadSchema>
type RecordedGuest = Recording['guests'][number]

export class LoadRecorder {
  private readonly hosts = new Map<string, Recording['hosts'][number]>()
  private readonly guests = new Map<string, RecordedGuest>()
  private steps = 0

  /** A guest that is not there for a sample counts as using what it did before. */
  add(hosts: readonly SampledHost[]): void {
    if (this.steps === maxSteps || hosts.every(({ cpus }) => cpus === 0))
      return
    for (const { name, cpus, memoryMiB } of hosts.filter(host => host.cpus > 0))
      this.hosts.set(name, { name, cpus, memoryMiB })
    for (const { host, guest } of hosts.flatMap(each => each.guests.map(guest => ({ host: each.name, guest }))))
      this.take(host, guest)
    this.steps++
    for (const { cores } of this.guests.values()) {
      if (cores.length < this.steps)
        cores.push(cores.at(-1)!)
    }
  }

  recording(): Recording {
    return { hosts: [...this.hosts.values()], guests: [...this.guests.values()] }
  }

  private take(host: string, { name, cores, memoryMiB, usedMiB, dirtyMiBPerSecond }: SampledHost['guests'][number]): void {
    const known = this.guests.get(name) ?? { name, host, memoryMiB, cores: Array.from<number>({ length: this.steps }).fill(0) }
    // a guest that two hosts show in one sample is counted once
    if (known.cores.length === this.steps)
      known.cores.push(cores)
    this.guests.set(name, { ...known, usedMiB, dirtyMiBPerSecond })
  }
}
