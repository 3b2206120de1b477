/** The planner against other rules, on paper. If this fails, it is no better than a simple rule, or moves guests to and fro. */
import { describe, expect, it } from 'vitest'
import { generatedLoad, recordedLoad, recordedLoadSchema } from '../../../shared/model/autopilot/load.ts'
import { usualLink } from '../../../shared/model/autopilot/migrationCost.ts'
import { policyPresets } from '../../../shared/model/autopilot/policy.ts'
import { LoadRecorder } from '../../../shared/model/autopilot/recorder.ts'
import { simulate } from '../../../shared/model/autopilot/simulator.ts'

describe('24 hours of noisy load around the threshold', () => {
  const policy = policyPresets.balanced
  const { policies, arrivals } = simulate(generatedLoad({ hosts: 6, guests: 36, hours: 24, seed: 7, meanShare: 0.62 }), policy, usualLink)
  const [me2, sandpiper, threshold, none] = policies

  it('cause no guest to move back within the cool-down', () => {
    expect(arrivals.length).toBeGreaterThan(10)
    const moves = Object.values(Object.groupBy(arrivals, ({ guest }) => guest)).flatMap(each => each!.slice(1).map((later, i) => later.atMs - each![i]!.atMs))
    expect(Math.min(...moves)).toBeGreaterThanOrEqual(policy.coolDownS * 1000)
  })

  it('cost fewer moves and bytes than each of the two simple rules, at no more time above the threshold', () => {
    for (const rival of [sandpiper!, threshold!]) {
      expect(me2!.migrations, rival.name).toBeLessThan(rival.migrations)
      expect(me2!.bytesMoved, rival.name).toBeLessThan(rival.bytesMoved)
      expect(me2!.secondsAboveThreshold, rival.name).toBeLessThanOrEqual(rival.secondsAboveThreshold)
    }
    expect(me2!.secondsAboveThreshold).toBeLessThan(none!.secondsAboveThreshold)
    expect(none).toMatchObject({ migrations: 0, bytesMoved: 0 })
    expect(none!.hostHours).toBeCloseTo(6 * 24, 5)
  })
})

describe('a quiet cluster', () => {
  it('is packed onto fewer hosts, which are not too busy for it', () => {
    const { policies: [me2, , , none] } = simulate(generatedLoad({ hosts: 5, guests: 25, hours: 3, seed: 3, meanShare: 0.2 }), policyPresets.powerSaving, usualLink)
    expect(me2!.hostHours).toBeLessThan(0.7 * none!.hostHours)
    expect(me2!.secondsAboveThreshold).toBeLessThan(0.01 * me2!.hostHours * 3600)
  })

  it('has a host woken when load comes back', () => {
    const cores = Array.from({ length: 1440 }, (_, step) => step < 720 ? 0.5 : 4)
    const guests = Array.from({ length: 6 }, (_, i) => ({ name: `g${i}`, host: `h${i % 3}`, memoryMiB: 1024, cores }))
    const hosts = ['h0', 'h1', 'h2'].map(name => ({ name, cpus: 16, memoryMiB: 65_536 }))
    const { policies: [me2] } = simulate(recordedLoad(recordedLoadSchema.parse({ hosts, guests })), policyPresets.powerSaving, usualLink)
    expect(me2!.hostHours).toBeLessThan(5.5)
    expect(me2!.secondsAboveThreshold, 'of 3600 s of high load').toBeLessThan(600)
  })
})

describe('a recorded load', () => {
  it('that names a host there is not, or a name twice, is refused', () => {
    const hosts = [{ name: 'a', cpus: 4, memoryMiB: 4096 }, { name: 'b', cpus: 4, memoryMiB: 4096 }]
    const guests = [{ name: 'x', host: 'a', memoryMiB: 512, cores: [1, 2] }]
    expect(recordedLoadSchema.safeParse({ hosts, guests }).success).toBe(true)
    expect(recordedLoadSchema.safeParse({ hosts, guests: [{ ...guests[0], host: 'c' }] }).success).toBe(false)
    expect(recordedLoadSchema.safeParse({ hosts, guests: [...guests, ...guests] }).success).toBe(false)
  })

  it('is the same for the same seed, and another for another', () => {
    const first = (seed: number) => generatedLoad({ hosts: 2, guests: 3, hours: 1, seed }).cores(0, 0)
    expect(first(1)).toBe(first(1))
    expect(first(1)).not.toBe(first(2))
  })
})

describe('a recording', () => {
  it('of what was sampled is a load that can be simulated', () => {
    const recorder = new LoadRecorder()
    const guest = (name: string, cores: number) => ({ name, cores, memoryMiB: 256, usedMiB: 128, dirtyMiBPerSecond: null })
    const host = (name: string, guests: ReturnType<typeof guest>[]) => ({ name, cpus: 2, memoryMiB: 2048, guests })
    recorder.add([{ ...host('a', []), cpus: 0 }, { ...host('b', []), cpus: 0 }])
    recorder.add([host('a', [guest('web', 0.5), guest('db', 1)]), host('b', [])])
    recorder.add([host('a', [guest('web', 0.6)]), host('b', [guest('late', 0.1)])])
    const recording = recordedLoadSchema.parse(recorder.recording())
    expect(recording.guests.map(({ name, host: on, cores }) => [name, on, cores])).toEqual([['web', 'a', [0.5, 0.6]], ['db', 'a', [1, 1]], ['late', 'b', [0, 0.1]]])
    expect(simulate(recordedLoad(recording), policyPresets.balanced, usualLink).policies.map(({ name }) => name)).toEqual(['me2', 'sandpiper', 'threshold-only', 'none'])
  })
})
