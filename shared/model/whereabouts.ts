/**
 * Where is the guest, and does it run? Told from what both hosts list after a migration, never from what a console hoped.
 *
 * On arrival a guest is called NAME--incoming until it runs; after it was given away the source's copy is called
 * NAME--migratedaway until xl has destroyed it.
 */
import type { Domain } from '../agent/messages.ts'
import type { Outcome, Whereabout } from './run.ts'

export interface HostReport {
  host: string
  /** Null: the host could not be asked. */
  domains: readonly Domain[] | null
}

export interface Verdict {
  outcome: Outcome
  /** False while a host still holds a copy that may be about to change or vanish. */
  settled: boolean
  where: Whereabout[]
  /** Copies beside the running guest that should not be there any more, in words. */
  leftovers: string[]
  summary: string
}

const incoming = '--incoming'
const migratedAway = '--migratedaway'

/** The names under which a host may hold the guest, or a copy of it. */
export function namesOf(guest: string): string[] {
  return [guest, guest + incoming, guest + migratedAway]
}

function runs(domain: Domain): boolean {
  return domain.state === 'running' || domain.state === 'blocked'
}

interface Holding {
  host: string
  known: boolean
  /** Domains of the guest's own name that run: 0 or 1, but a host is not trusted to keep names apart. */
  running: number
  /** Every other copy. */
  copies: Domain[]
  all: Domain[]
}

function holding(guest: string, { host, domains }: HostReport): Holding {
  const all = (domains ?? []).filter(domain => namesOf(guest).includes(domain.name))
  const own = all.filter(domain => domain.name === guest && runs(domain))
  return { host, known: domains !== null, running: own.length, copies: all.filter(domain => !own.includes(domain)), all }
}

function decide(source: Holding, target: Holding): Outcome {
  if (!source.known || !target.known)
    return 'unknown'
  if (source.running + target.running !== 1)
    return 'failed'
  return target.running === 1 ? 'migrated' : 'aborted'
}

function describe({ host, known, all }: Holding, guest: string): string {
  if (!known)
    return `${host} could not be asked.`
  if (all.length === 0)
    return `${host} has no guest of the name ${guest}.`
  return `${host} has ${all.map(domain => `${domain.name} (${domain.state})`).join(', ')}.`
}

function summarise(guest: string, outcome: Outcome, source: Holding, target: Holding): string {
  const facts = `${describe(source, guest)} ${describe(target, guest)}`
  switch (outcome) {
    case 'migrated':
      return `${guest} runs on ${target.host}.`
    case 'aborted':
      return `${guest} still runs on ${source.host}, as before.`
    case 'failed':
      return source.running + target.running > 1
        ? `${guest} runs ${source.running === target.running ? 'on both hosts' : 'more than once'}: shut all but one down now. ${facts}`
        : `${guest} runs on neither host. ${facts} The console destroyed nothing.`
    case 'unknown':
      return `It cannot be said for certain where ${guest} is. ${facts}`
  }
}

/** Judges what `source` and `target` list after a migration from the one to the other. */
export function judge(guest: string, source: HostReport, target: HostReport): Verdict {
  const from = holding(guest, source)
  const to = holding(guest, target)
  const outcome = decide(from, to)
  const copies = [from, to].flatMap(({ host, copies }) => copies.map(domain => ({ host, domain })))
  const runsOnce = outcome === 'migrated' || outcome === 'aborted'
  return {
    outcome,
    settled: runsOnce && copies.length === 0,
    where: [from, to].flatMap(({ host, all }) => all.map(domain => ({ host, domain: domain.name, state: domain.state }))),
    leftovers: runsOnce ? copies.map(({ host, domain }) => `${domain.name} (${domain.state}) is still on ${host}.`) : [],
    summary: summarise(guest, outcome, from, to),
  }
}
