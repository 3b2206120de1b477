/**
 * The pre-check's judgement: pure, from facts to a list of findings. An error stops a race unless it is forced, and only
 * those may be forced where xl itself would fail without harm to the guest.
 */
import type { Domain } from '../../../../shared/agent/messages.ts'
import type { HostState, PrecheckFacts } from './facts.ts'
import { namesOf } from '../../../../shared/model/whereabouts.ts'

export type CheckCode = 'host' | 'guest' | 'kind' | 'name' | 'memory' | 'cpu' | 'xen' | 'logDirty' | 'kernel' | 'boot' | 'disks' | 'bridges' | 'link' | 'busy'

export interface Check {
  code: CheckCode
  status: 'ok' | 'warning' | 'error'
  /** What was found. */
  message: string
  /** What to do about it; empty where there is nothing to do. */
  action: string
  /** The user may go on in spite of an error. */
  forceable: boolean
}

const mebibyte = 2 ** 20
const fixedMarginBytes = 16 * mebibyte
/** Xen's own tables for a guest: about 8 KiB a MiB. */
const tablesPart = 1 / 128
/** Below this part of the cap the link, not the cap, would set the pace. */
const enoughOfCap = 0.95

function ok(code: CheckCode, message: string): Check {
  return { code, status: 'ok', message, action: '', forceable: false }
}

function warning(code: CheckCode, message: string, action: string): Check {
  return { code, status: 'warning', message, action, forceable: false }
}

function stop(code: CheckCode, message: string, action: string): Check {
  return { code, status: 'error', message, action, forceable: false }
}

function stopUnlessForced(code: CheckCode, message: string, action: string): Check {
  return { ...stop(code, message, action), forceable: true }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}

function checkHost({ name, probe }: HostState): Check[] {
  if (probe.problems.length === 0)
    return [ok('host', `${name} is ready: Xen ${probe.xen?.major}.${probe.xen?.minor}, xl ${probe.xl?.version}.`)]
  return probe.problems.map(({ severity, message, action }) =>
    (severity === 'error' ? stop : warning)('host', `${name}: ${message}`, action))
}

function checkState({ guest, source, domain }: PrecheckFacts): Check {
  if (!domain)
    return stop('guest', `${source.name} has no guest of the name ${guest}.`, `Guests there: ${guestNames(source)}.`)
  if (domain.state !== 'running' && domain.state !== 'blocked')
    return stop('guest', `${guest} is ${domain.state} on ${source.name}, so it cannot be migrated alive.`, 'Start or unpause it first.')
  return ok('guest', `${guest} runs on ${source.name}.`)
}

function guestNames({ domains }: HostState): string {
  return domains.filter(domain => domain.domid !== 0).map(domain => domain.name).join(', ') || 'none'
}

function checkKind({ guest }: PrecheckFacts, { kind }: Domain): Check {
  return ok('kind', `${guest} is a ${kind.toUpperCase()} guest.`)
}

function checkLogDirty({ source, guest }: PrecheckFacts, { kind }: Domain): Check {
  if (kind === 'pv' && !source.probe.logDirty.pv)
    return stop('logDirty', `${guest} is a PV guest, and Xen on ${source.name} is built without shadow paging, so it cannot log the pages that one dirties.`, 'Shut the guest down to move it, make it a PVH guest, or use a host whose Xen has shadow paging (Debian 11\'s has, 12\'s and 13\'s have not).')
  if (kind !== 'pv' && !source.probe.logDirty.hvm)
    return stop('logDirty', `Xen on ${source.name} cannot log the pages a guest dirties.`, 'Use a host with hardware-assisted paging.')
  return ok('logDirty', `Xen on ${source.name} logs dirty pages.`)
}

function checkName({ guest, source, target }: PrecheckFacts): Check {
  const taken = target.domains.find(domain => namesOf(guest).includes(domain.name))
  if (taken)
    return stop('name', `${target.name} already has ${taken.name} (${taken.state}).`, 'If it is left from a failed migration, see that the guest runs elsewhere, then destroy that copy with xl destroy.')
  const left = source.domains.find(domain => domain.name !== guest && namesOf(guest).includes(domain.name))
  if (left)
    return stop('name', `${source.name} still has ${left.name} (${left.state}).`, 'See which of the two is the guest, then destroy the other with xl destroy.')
  return ok('name', `The name ${guest} is free on ${target.name}.`)
}

function checkMemory({ target }: PrecheckFacts, { maxMemoryBytes }: Domain): Check {
  const neededBytes = maxMemoryBytes * (1 + tablesPart) + fixedMarginBytes
  const finding = `${target.name} has ${megabytes(target.probe.freeBytes)} free, the guest needs ${megabytes(neededBytes)}`
  if (target.probe.freeBytes < neededBytes)
    return stopUnlessForced('memory', `${finding}.`, `Shut down or balloon something on ${target.name}.`)
  return ok('memory', `${finding}.`)
}

function checkCpu({ source, target }: PrecheckFacts): Check {
  const there = new Set(target.probe.cpuFeatures)
  const missing = source.probe.cpuFeatures.filter(feature => !there.has(feature))
  if (missing.length > 0)
    return stop('cpu', `The CPU of ${target.name} lacks what ${source.name} has: ${missing.slice(0, 12).join(', ')}.`, 'Level the CPUs (cpuid in the guest\'s configuration) or choose another target.')
  return ok('cpu', `${target.name} has every CPU feature of ${source.name}.`)
}

function checkXen({ source, target }: PrecheckFacts): Check {
  const [from, to] = [source.probe.xen, target.probe.xen]
  if (!from || !to)
    return stop('xen', 'One of the hosts does not run Xen.', 'Boot it with Xen.')
  const versions = `Xen ${from.major}.${from.minor} to ${to.major}.${to.minor}`
  if (to.major < from.major || (to.major === from.major && to.minor < from.minor))
    return stop('xen', `${versions}: an older Xen refuses the guest at the very end.`, 'Choose a target whose Xen is not older.')
  return ok('xen', `${versions}.`)
}

function checkKernel({ guest, kernel }: PrecheckFacts): Check {
  if (kernel === null)
    return ok('kernel', 'The guest\'s kernel was not looked at: a stock migration does not need it.')
  if ('code' in kernel)
    return warning('kernel', `ME2 will leave nothing out: ${kernel.message}`, kernel.action)
  return ok('kernel', `The kernel of ${guest} is understood: ${kernel.version}.`)
}

function checkBoot({ guest, target, config, missingBootFiles }: PrecheckFacts): Check {
  if (missingBootFiles.length > 0)
    return stop('boot', `${target.name} does not have ${missingBootFiles.join(' and ')}, which the device model of ${guest} loads there.`, 'Copy the files to the target, under the same paths.')
  const bootFiles = config?.bootFiles ?? []
  return ok('boot', bootFiles.length === 0 ? 'The guest needs no boot files on the target.' : `${target.name} has ${bootFiles.join(' and ')}.`)
}

function checkDisks({ target, config, missingDisks, withDisk }: PrecheckFacts): Check {
  if (!config)
    return warning('disks', 'xl did not tell the guest\'s configuration.', 'See yourself that its disks are reachable on the target.')
  if (missingDisks.length > 0)
    return stopUnlessForced('disks', `${target.name} does not have ${missingDisks.join(', ')}.`, 'Put the disk where both hosts reach it under one path.')
  const disks = [...config.disks, ...config.otherDisks]
  if (disks.length === 0)
    return withDisk ? stop('disks', 'The guest has no disk that could go along.', 'Migrate it without a disk.') : ok('disks', 'The guest has no disks.')
  if (withDisk)
    return ok('disks', `${disks.join(', ')} goes along; the source's copy stays as it is.`)
  return warning('disks', `The target has to reach the same disks: ${disks.join(', ')}.`, 'The console sees paths, not what is behind them: make sure it is one storage.')
}

function checkBridges({ target, config, missingBridges }: PrecheckFacts): Check {
  if (!config)
    return warning('bridges', 'xl did not tell the guest\'s configuration.', 'See yourself that its bridges exist on the target.')
  if (missingBridges.length > 0)
    return stopUnlessForced('bridges', `${target.name} has no bridge ${missingBridges.join(', ')}.`, 'Make a bridge of the same name in the same network.')
  return ok('bridges', config.bridges.length === 0 ? 'The guest has no network.' : `${target.name} has ${config.bridges.join(', ')}.`)
}

function checkLink({ source, target, link, rateMbit, linkAddress, measured }: PrecheckFacts): Check {
  if (linkAddress === null)
    return stop('link', `${source.name} and ${target.name} have no network in common.`, 'Give their addresses with --host-address and --to-address.')
  if (measured === null)
    return warning('link', `The link over ${link} was not measured.`, 'Over ssh the two hosts must trust each other (BatchMode).')
  if ('code' in measured)
    return stop('link', `${source.name} does not reach ${target.name} at ${linkAddress}: ${measured.message}`, measured.action)
  const mbit = measured.bytesPerSecond * 8 / 1e6
  const finding = `${linkAddress} takes ${mbit.toFixed(1)} Mbit/s`
  if (rateMbit !== null && mbit < rateMbit * enoughOfCap)
    return warning('link', `${finding}, less than the cap of ${rateMbit} Mbit/s.`, 'The link, not the cap, will set the pace of both modes; use a lower cap.')
  return ok('link', `${finding}.`)
}

function checkBusy({ guest, source, busy }: PrecheckFacts): Check {
  if (busy)
    return stop('busy', `${guest} is being migrated from ${source.name} already.`, 'Wait until that migration is over, or cancel it where it was started.')
  return ok('busy', `Nobody else migrates ${guest}.`)
}

/** In the order in which a user would mend them. What depends on the guest is left out where there is none. */
export function judgeFacts(facts: PrecheckFacts): Check[] {
  const hosts = [...checkHost(facts.source), ...checkHost(facts.target)]
  if (!facts.domain)
    return [...hosts, checkState(facts)]
  return [
    ...hosts, checkState(facts), checkKind(facts, facts.domain), checkBusy(facts), checkLogDirty(facts, facts.domain), checkName(facts),
    checkMemory(facts, facts.domain), checkCpu(facts), checkXen(facts), checkKernel(facts), checkBoot(facts), checkDisks(facts),
    checkBridges(facts), checkLink(facts),
  ]
}

/** True if nothing stands in the way, or only what the user chose to pass over. */
export function mayStart(checks: readonly Check[], force: boolean): boolean {
  return checks.every(check => check.status !== 'error' || (force && check.forceable))
}
