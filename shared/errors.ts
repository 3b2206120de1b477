/**
 * What went wrong, as a value: a code the interface can translate, one sentence, and what the user can do.
 * The agent's errors (resources/agent/src/error.h) arrive with the same three fields.
 */
export interface Problem {
  code: ProblemCode
  message: string
  action: string
}

export const problemCodes = [
  // from the agent
  'usage', 'no-xen', 'not-root', 'no-xl', 'no-domain', 'guest-state', 'not-supported', 'not-understood', 'busy', 'stream',
  'link', 'link-stalled', 'link-auth', 'link-version', 'xl-failed', 'cancelled', 'target-failed', 'system',
  // ssh and hosts
  'host-unreachable', 'host-key-unknown', 'host-key-changed', 'host-key-revoked', 'auth-failed', 'connection-lost',
  'sudo-password', 'config-refused',
  // deploying and talking to the agent
  'disk-full', 'upload-damaged', 'agent-missing', 'agent-protocol', 'output-too-large',
  // migration
  'precheck-failed', 'state-unknown',
  // the autopilot
  'overtaken', 'power-failed',
  // the console
  'not-operator',
  // the boxed lab
  'lab-missing-tools', 'lab-no-space', 'lab-build-failed', 'lab-boot-failed', 'lab-not-running', 'lab-busy',
  // runs
  'run-not-found', 'run-corrupt',
  'internal',
] as const
export type ProblemCode = typeof problemCodes[number]

/** The only error class that services throw on purpose. Anything else that surfaces is a bug. */
export class Me2Error extends Error {
  readonly code: ProblemCode
  readonly action: string

  constructor(code: ProblemCode, message: string, action = '', options?: ErrorOptions) {
    super(message, options)
    this.name = 'Me2Error'
    this.code = code
    this.action = action
  }

  toProblem(): Problem {
    return { code: this.code, message: this.message, action: this.action }
  }
}
