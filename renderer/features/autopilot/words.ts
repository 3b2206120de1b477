/** What the autopilot sees and decides, in the words of the screen's language. Pure. */
import type { AutopilotHostView } from '../../../shared/contract/autopilot.ts'
import type { AuditEntry } from '../../../shared/model/autopilot/audit.ts'
import type { MigrationCost } from '../../../shared/model/autopilot/migrationCost.ts'
import type { Plan, Step } from '../../../shared/model/autopilot/planner.ts'
import { formatBytes, formatMs } from '../../../shared/model/format.ts'
import { isUnheard } from './columns.ts'

/** vue-i18n's `t`. */
export type Translate = (key: string, values?: Record<string, unknown>) => string

export function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`
}

export function hostStateWords(host: AutopilotHostView, t: Translate): string {
  const { power, busy, evidence } = host
  if (power !== 'on')
    return t(`autopilot.power.${power}`)
  if (isUnheard(host))
    return t('autopilot.heat.unknown')
  return busy ? t('autopilot.busy') : t(`autopilot.heat.${evidence?.heat ?? 'warmingUp'}`)
}

function costWords({ bytes, ms, downtimeMs }: MigrationCost, t: Translate): string {
  return t('autopilot.cost', { bytes: formatBytes(bytes), time: formatMs(ms), pause: formatMs(downtimeMs) })
}

export function stepWords(step: Step, t: Translate): string {
  return step.kind === 'move' ? t('autopilot.step.move', { ...step.move }) : t(`autopilot.step.${step.kind}`, { host: step.host })
}

/** One sentence; `warmUp`: samples until anything is decided. */
export function planSentence(plan: Plan | null, warmUp: number, t: Translate): string {
  if (warmUp > 0)
    return t('autopilot.plan.warmUp', { count: warmUp })
  if (plan === null || plan.scenario === 'waiting')
    return t('autopilot.plan.waiting')
  const { scenario, host, steps } = plan
  if (scenario === 'idle')
    return t('autopilot.plan.idle')
  if (scenario === 'save')
    return t(steps.length > 0 ? 'autopilot.plan.save' : 'autopilot.plan.saveNothing', { host })
  const [first] = steps
  return first ? stepWords(first, t) : t('autopilot.plan.stuck', { host })
}

/** Why, as facts with figures. */
export function reasons(plan: Plan, hosts: readonly AutopilotHostView[], t: Translate): string[] {
  const evidence = hosts.find(({ name }) => name === plan.host)?.evidence
  const move = plan.steps.flatMap(step => step.kind === 'move' ? [step.move] : [])[0]
  const balances = plan.scenario === 'balance'
  return [
    ...balances && plan.host !== null && evidence ? [t('autopilot.reason.hot', { host: plan.host, above: evidence.above, heard: evidence.heard, mean: percent(evidence.mean), forecast: percent(evidence.forecast) })] : [],
    ...balances && plan.host === null ? [t('autopilot.reason.tight')] : [],
    ...plan.scenario === 'save' ? [t('autopilot.reason.save', { host: plan.host })] : [],
    ...move && move.gainShare > 0 ? [t('autopilot.reason.gain', { gain: percent(move.gainShare) })] : [],
    ...move ? [t('autopilot.reason.cost', { guest: move.guest, cost: costWords(move.cost, t) })] : [],
  ]
}

function off(predicted: number, actual: number): string {
  const share = predicted === 0 ? 0 : Math.round((actual / predicted - 1) * 100)
  return `${share > 0 ? '+' : share < 0 ? '−' : ''}${Math.abs(share)} %`
}

export interface EventWords {
  at: string
  text: string
  /** What was predicted and what came, of a move that took place. */
  figures: { name: string, predicted: string, actual: string, off: string }[]
  tone: 'plain' | 'good' | 'bad'
}

function textOf(entry: AuditEntry, t: Translate): string {
  switch (entry.kind) {
    case 'started': return t(entry.dryRun ? 'autopilot.event.startedDry' : 'autopilot.event.started', { hosts: entry.hosts.join(', '), mode: t(`autopilot.mode.${entry.mode}`) })
    case 'decided': return `${t(`autopilot.scenario.${entry.plan.scenario}`)}: ${planSentence(entry.plan, 0, t)}${entry.plan.steps.length > 0 && !entry.acted ? ` ${t('autopilot.event.notDone')}` : ''}`
    case 'moving': return t('autopilot.event.moving', { ...entry.move })
    case 'moved': return `${t(`autopilot.event.outcome.${entry.outcome}`, { ...entry.move })} ${entry.outcome === 'migrated' ? '' : entry.summary}`.trim()
    case 'overtaken': return t('autopilot.event.overtaken', { steps: entry.steps.map(step => stepWords(step, t)).join(' ') })
    case 'switching': return t(`autopilot.event.switching.${entry.to}`, { host: entry.host })
    case 'switched': return t(`autopilot.event.switched.${entry.to}`, { host: entry.host, time: formatMs(entry.ms) })
    case 'approved': return t('autopilot.event.approved', { what: planSentence(entry.plan, 0, t) })
    case 'dismissed': return t('autopilot.event.dismissed', { what: planSentence(entry.plan, 0, t) })
    case 'stopped': return entry.problem ? t('autopilot.event.stoppedItself', { why: entry.problem.message }) : t('autopilot.event.stopped')
  }
}

export function eventWords(entry: AuditEntry, t: Translate): EventWords {
  const isBad = (entry.kind === 'moved' && entry.outcome !== 'migrated') || (entry.kind === 'stopped' && entry.problem !== null)
  const isGood = (entry.kind === 'moved' && !isBad) || entry.kind === 'switched'
  const cost = entry.kind === 'moved' ? entry.cost : null
  const predicted = entry.kind === 'moved' ? entry.move.cost : null
  return {
    at: entry.at,
    text: textOf(entry, t),
    tone: isBad ? 'bad' : isGood ? 'good' : 'plain',
    figures: cost && predicted
      ? [
          { name: t('autopilot.figure.bytes'), predicted: formatBytes(predicted.bytes), actual: formatBytes(cost.bytes), off: off(predicted.bytes, cost.bytes) },
          { name: t('autopilot.figure.time'), predicted: formatMs(predicted.ms), actual: formatMs(cost.ms), off: off(predicted.ms, cost.ms) },
          { name: t('autopilot.figure.pause'), predicted: formatMs(predicted.downtimeMs), actual: formatMs(cost.downtimeMs), off: off(predicted.downtimeMs, cost.downtimeMs) },
        ]
      : [],
  }
}
