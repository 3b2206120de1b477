/** The load of a simulated cluster over time: made up from a seed, or recorded before. */
import { z } from 'zod'

export const simulationLimits = { hosts: 100, guests: 1000, hours: 168 } as const
const stepsAnHour = 720
export const maxSteps = simulationLimits.hours * stepsAnHour
const cores = z.number().min(0).max(1024)
const mebibytes = z.number().min(1).max(1_048_576)
const name = z.string().min(1).max(256)

/** A recording: what each guest used, a number a sample period. */
export const recordedLoadSchema = z.object({
  hosts: z.array(z.object({ name, cpus: z.number().int().min(1).max(1024), memoryMiB: mebibytes })).min(2).max(simulationLimits.hosts),
  guests: z.array(z.object({ name, host: name, memoryMiB: mebibytes, usedMiB: mebibytes.nullable().default(null), dirtyMiBPerSecond: cores.nullable().default(null), cores: z.array(cores).min(1).max(maxSteps) })).min(1).max(simulationLimits.guests),
}).superRefine(({ hosts, guests }, context) => {
  const names = new Set(hosts.map(host => host.name))
  if (names.size < hosts.length || new Set(guests.map(guest => guest.name)).size < guests.length)
    context.addIssue('two hosts or two guests have one name')
  for (const [i, { host }] of guests.entries()) {
    if (!names.has(host))
      context.addIssue({ code: 'custom', path: ['guests', i, 'host'], message: `there is no host ${host}` })
  }
})

export interface SimulatedHost { name: string, cpus: number, memoryMiB: number }
export interface SimulatedGuest { name: string, host: string, memoryMiB: number, usedMiB: number | null, dirtyMiBPerSecond: number | null }

export interface SimulatedLoad {
  hosts: readonly SimulatedHost[]
  guests: readonly SimulatedGuest[]
  steps: number
  /** That guest `index` wants in step `step`. Asked for step by step, in order. */
  cores: (step: number, index: number) => number
}

/** Steele, Lea and Flood's SplitMix, as mulberry32: 0 … 1, the same for the same seed everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6D2B79F5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface GeneratedLoadOptions {
  hosts: number
  guests: number
  hours: number
  seed: number
  /** Mean load of a host; noise and the day's wave go on top. */
  meanShare?: number
}

const hostCpus = 16
const hostMemoryMiB = 65_536
const stepsADay = 24 * stepsAnHour
/** How much of a guest's deviation is left a sample later: bursts last some minutes. */
const persistence = 0.98

interface Character { base: number, wave: number, phase: number, noise: number }

/** Each guest has a mean of its own, a wave over the day, and noise that persists for some minutes. */
export function generatedLoad({ hosts, guests, hours, seed, meanShare = 0.55 }: GeneratedLoadOptions): SimulatedLoad {
  const random = randomFrom(seed)
  const weights = Array.from({ length: guests }, () => 0.2 + random() ** 2)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const characters = weights.map((weight): Character => ({
    base: weight / total * meanShare * hosts * hostCpus,
    wave: 0.3 * random(),
    phase: random() * 0.25,
    noise: 0.1 + 0.3 * random(),
  }))
  const deviations = characters.map(() => 0)
  const room = Math.floor(hostMemoryMiB * 0.8 / Math.ceil(guests / hosts))
  return {
    hosts: Array.from({ length: hosts }, (_, i) => ({ name: `host${i + 1}`, cpus: hostCpus, memoryMiB: hostMemoryMiB })),
    guests: characters.map((_, i) => {
      const memoryMiB = Math.max(256, Math.floor(room * (0.3 + 0.7 * random())))
      return { name: `guest${i + 1}`, host: `host${i % hosts + 1}`, memoryMiB, usedMiB: Math.floor(memoryMiB * (0.2 + 0.6 * random())), dirtyMiBPerSecond: 20 * random() ** 3 }
    }),
    steps: Math.round(hours * stepsAnHour),
    cores: (step, index) => {
      const { base, wave, phase, noise } = characters[index]!
      const shock = (random() + random() + random() - 1.5) * 2 * Math.sqrt(1 - persistence ** 2)
      deviations[index] = persistence * deviations[index]! + shock * noise
      return Math.max(0, base * (1 + wave * Math.sin(2 * Math.PI * (step / stepsADay + phase)) + deviations[index]))
    },
  }
}

export function recordedLoad(recording: z.infer<typeof recordedLoadSchema>): SimulatedLoad {
  const steps = Math.max(...recording.guests.map(guest => guest.cores.length))
  return { hosts: recording.hosts, guests: recording.guests, steps, cores: (step, index) => recording.guests[index]!.cores[step] ?? 0 }
}
