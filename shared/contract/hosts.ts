/** Hosts, what stands in the way of a migration there, their guests and their load. The boxed lab's are hosts like any. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { domainKinds, domainStates } from '../agent/messages.ts'
import { forOperators, forViewers, problemSchema, shortName } from './procedure.ts'

const hostCheckSchema = z.object({
  code: z.string(),
  severity: z.enum(['ok', 'warning', 'error']),
  message: z.string(),
  action: z.string(),
})

const guestSchema = z.object({
  domid: z.number(),
  name: z.string(),
  kind: z.enum(domainKinds),
  state: z.enum(domainStates),
  memoryBytes: z.number(),
  vcpus: z.number(),
  /** What the lab knows of it; null for one's own guests. */
  workload: z.object({ profile: z.string(), sentence: z.string() }).nullable(),
})
export type GuestView = z.infer<typeof guestSchema>

const hostViewSchema = z.object({
  name: z.string(),
  /** `user@host[:port]` or an alias of ~/.ssh/config, as the user gave it; for the boxed lab 127.0.0.1:PORT. */
  address: z.string(),
  lab: z.enum(['boxed', 'own']),
  /** `off`: nobody has connected yet. `problem`: see `problem`. */
  state: z.enum(['off', 'connecting', 'ready', 'problem']),
  problem: problemSchema.nullable(),
  /** Null until probed. */
  checks: z.array(hostCheckSchema).nullable(),
  /** ISO date and time of the last probe. */
  checkedAt: z.iso.datetime().nullable(),
  facts: z.object({
    hostname: z.string(),
    xen: z.string(),
    kernel: z.string(),
    cpuModel: z.string(),
    cpus: z.number(),
    totalBytes: z.number(),
  }).nullable(),
  /** Version of the agent in place there. */
  agent: z.string().nullable(),
  guests: z.array(guestSchema),
})
export type HostView = z.infer<typeof hostViewSchema>

const hostLoadSchema = z.object({
  host: z.string(),
  /** Monotonic clock of that host. */
  ms: z.number(),
  /** Of all the host's CPUs, 0 … 1. */
  cpuShare: z.number(),
  usedBytes: z.number(),
  totalBytes: z.number(),
  receivedBytesPerSecond: z.number(),
  sentBytesPerSecond: z.number(),
  /** `cpuShare` of one CPU: 1 is one CPU busy. */
  domains: z.array(z.object({ domid: z.number(), name: z.string(), cpuShare: z.number(), memoryBytes: z.number() })),
})
export type HostLoad = z.infer<typeof hostLoadSchema>

const named = z.object({ host: shortName })
const addressSchema = z.string().min(1).max(300).regex(/^\P{Cc}*$/u)

export const hosts = {
  /** All hosts now, then on every change. Watching connects to those that are up and keeps their guests fresh. */
  watch: forViewers.output(eventIterator(z.array(hostViewSchema))),
  /** A sample of each connected host every second while somebody watches. A lost sample is left out, not made up. */
  load: forViewers.output(eventIterator(hostLoadSchema)),
  add: forOperators.input(z.object({ name: shortName, address: addressSchema })).output(z.void()),
  edit: forOperators.input(z.object({ host: shortName, name: shortName, address: addressSchema })).output(z.void()),
  remove: forOperators.input(named).output(z.void()),
  /** Connects if need be (asking through session.questions), looks at everything, deploys the agent where that is of use. */
  probe: forOperators.input(named).output(z.void()),
  removeAgent: forOperators.input(named).output(z.void()),
  /** Hosts that ~/.ssh/config names, patterns left out. */
  sshAliases: forOperators.output(z.array(z.object({ alias: z.string(), address: z.string() }))),
}
