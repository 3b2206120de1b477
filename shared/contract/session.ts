/** Who is connected, and what needs an answer from a person. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { forOperators, forViewers } from './procedure.ts'

const sessionSchema = z.object({
  role: z.enum(['viewer', 'operator']),
  version: z.string().max(64),
  /** `desktop`: Electron with native dialogs; `web`: the same console in a browser. */
  shell: z.enum(['desktop', 'web']),
  /** The system has a keyring for secrets. */
  canKeepSecrets: z.boolean(),
})
export type SessionView = z.infer<typeof sessionSchema>

/** A host waits for this. Secrets go one way only: an answer is used and forgotten, or kept in the system's keyring. */
export const questionSchema = z.discriminatedUnion('kind', [
  z.object({ id: z.string(), kind: z.literal('hostKey'), host: z.string(), port: z.number(), keyType: z.string(), fingerprint: z.string() }),
  z.object({ id: z.string(), kind: z.literal('passphrase'), keyFile: z.string() }),
  z.object({ id: z.string(), kind: z.enum(['password', 'sudo']), user: z.string(), host: z.string() }),
  z.object({ id: z.string(), kind: z.literal('interactive'), user: z.string(), host: z.string(), text: z.string(), echo: z.boolean() }),
])
export type QuestionView = z.infer<typeof questionSchema>

export const session = {
  hello: forViewers.output(sessionSchema),
  /** All open questions, whenever they change. */
  questions: forOperators.output(eventIterator(z.array(questionSchema))),
  /** Null: the user gave up. A host key is accepted with 'yes'. An unknown id is no error: another window was faster. */
  answer: forOperators.input(z.object({ id: z.string().max(64), answer: z.string().max(1024).nullable(), keep: z.boolean() })).output(z.void()),
}
