/** The policy as a form has it: numbers in the units that people use, lists of names as text. Pure. */
import type { Policy, PolicyPreset } from '../../../shared/model/autopilot/policy.ts'
import { policyPresetNames, policyPresets, policySchema } from '../../../shared/model/autopilot/policy.ts'

interface NumberField {
  name: { [Key in keyof Policy]: Policy[Key] extends number ? Key : never }[keyof Policy]
  /** What is shown, of what is kept. */
  scale: number
  min: number
  max: number
}

export const numberFields: readonly NumberField[] = [
  { name: 'hotShare', scale: 100, min: 1, max: 100 },
  { name: 'hotOf', scale: 1, min: 1, max: 60 },
  { name: 'lastOf', scale: 1, min: 1, max: 60 },
  { name: 'coldShare', scale: 100, min: 0, max: 100 },
  { name: 'marginShare', scale: 100, min: 0, max: 100 },
  { name: 'leastGainShare', scale: 100, min: 0, max: 100 },
  { name: 'warmUp', scale: 1, min: 1, max: 720 },
  { name: 'coolDownS', scale: 1, min: 0, max: 86_400 },
  { name: 'spareMiB', scale: 1, min: 0, max: 1_048_576 },
  { name: 'movesAtOnce', scale: 1, min: 1, max: 16 },
]

/** Only where hosts are switched off. */
export const powerFields: readonly NumberField[] = [
  { name: 'packedShare', scale: 100, min: 0, max: 100 },
  { name: 'packsAfterS', scale: 1, min: 0, max: 86_400 },
]

/** What a field may be, beside the others: no more samples above than are looked at. */
export function limitsOf({ name, min, max }: NumberField, { hotOf, lastOf }: Policy): { min: number, max: number } {
  return { min: name === 'lastOf' ? hotOf : min, max: name === 'hotOf' ? lastOf : max }
}

export const listFields = ['excluded', 'maintenance', 'pinned', 'keptTogether', 'keptApart'] as const
export type ListField = typeof listFields[number]

function names(text: string): string[] {
  return text.split(',').map(name => name.trim()).filter(name => name !== '')
}

/** `web, db` for guests and hosts; `web: hosta` for pins; groups one a line. */
export function listText(policy: Policy, field: ListField): string {
  switch (field) {
    case 'excluded':
    case 'maintenance': return policy[field].join(', ')
    case 'pinned': return Object.entries(policy.pinned).map(([guest, host]) => `${guest}: ${host}`).join(', ')
    case 'keptTogether':
    case 'keptApart': return policy[field].map(group => group.join(', ')).join('; ')
  }
}

/** Null where the text cannot be understood. */
export function withList(policy: Policy, field: ListField, text: string): Policy | null {
  const parsed = policySchema.safeParse({ ...policy, [field]: listValue(field, text) })
  return parsed.success ? parsed.data : null
}

/** Those that a rule names, as they are used there, and nobody has: a guest that is shut down, or a slip. */
export function strangersIn(policy: Policy, field: ListField, known: ReadonlySet<string>): string[] {
  const named = field === 'pinned' ? Object.entries(policy.pinned).flat() : policy[field].flat()
  return [...new Set(named)].filter(name => !known.has(name))
}

function listValue(field: ListField, text: string): unknown {
  if (field === 'pinned')
    return Object.fromEntries(names(text).map(pair => pair.split(':').map(word => word.trim())))
  return field === 'keptTogether' || field === 'keptApart' ? text.split(';').map(names).filter(group => group.length > 1) : names(text)
}

/** Which preset the thresholds are those of; the rules about single guests and hosts are one's own in any case. */
export function presetOf(policy: Policy): PolicyPreset | null {
  const thresholds = (of: Policy) => JSON.stringify(Object.entries(of).filter(([key]) => !(listFields as readonly string[]).includes(key)).toSorted())
  return policyPresetNames.find(name => thresholds(policyPresets[name]) === thresholds(policy)) ?? null
}

export function withPreset(policy: Policy, name: PolicyPreset): Policy {
  const kept = Object.fromEntries(listFields.map(field => [field, policy[field]]))
  return policySchema.parse({ ...policyPresets[name], ...kept })
}
