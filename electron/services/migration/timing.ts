/** How long the migration service waits for what. One place, so that tests can make it impatient. */
export interface MigrationTiming {
  /** For an agent to say that it listens. */
  listenMs: number
  /** For a one-line answer. */
  requestMs: number
  /** For the other end to finish by itself once one end has; the agents give up on a silent peer before that. */
  drainMs: number
  /** For an agent to end after its stdin has. */
  endMs: number
  /** For both hosts to agree on where the guest is, and how often they are asked. */
  settleForMs: number
  settlePollMs: number
  /** For the heartbeat to be heard again after the guest was unpaused, and how much longer to listen then. */
  heartbeatBackMs: number
  watchMs: number
  /** Before each attempt to reconnect; as many attempts as there are entries, and none after `reconnectForMs`. */
  reconnectDelaysMs: readonly number[]
  reconnectForMs: number
}

export const defaultTiming: MigrationTiming = {
  listenMs: 60_000,
  requestMs: 60_000,
  drainMs: 180_000,
  endMs: 20_000,
  settleForMs: 60_000,
  settlePollMs: 1_000,
  heartbeatBackMs: 30_000,
  watchMs: 3_000,
  reconnectDelaysMs: [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000],
  reconnectForMs: 120_000,
}
