/**
 * One host of a migration, with a session that is made anew when it was lost. All parts of a migration share the handle,
 * so a session that one of them restored serves the others.
 */
import type { HostAgent } from '../agent/types.ts'
import type { HostConnection } from '../ssh/types.ts'
import type { MigrationTiming } from './timing.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { Me2Error } from '../../../shared/errors.ts'

/** A connection and the agent deployed over it. */
export interface HostSession {
  connection: HostConnection
  agent: HostAgent
}

/** Connects and puts the agent in place; what was connected is let go of when that fails. */
export async function openSession(connect: () => Promise<HostConnection>, deploy: (connection: HostConnection) => Promise<HostAgent>): Promise<HostSession> {
  const connection = await connect()
  try {
    return { connection, agent: await deploy(connection) }
  }
  catch (error) {
    connection.close()
    throw error
  }
}

/** Retrying does not mend these: a human has to. */
const hopeless = new Set(['host-key-changed', 'host-key-revoked', 'host-key-unknown', 'auth-failed', 'config-refused', 'sudo-password'])

export function needsHuman(error: unknown): boolean {
  return error instanceof Me2Error && hopeless.has(error.code)
}

export class HostHandle {
  /** What the user calls it. */
  readonly name: string
  private readonly connect: () => Promise<HostSession>
  private current: Promise<HostSession> | null = null

  constructor(name: string, connect: () => Promise<HostSession>) {
    this.name = name
    this.connect = connect
  }

  /** The session; connects, once, where there is none. */
  async session(): Promise<HostSession> {
    this.current ??= this.open()
    return this.current
  }

  private async open(): Promise<HostSession> {
    const forget = (): void => {
      this.current = null
    }
    try {
      const session = await this.connect()
      void session.connection.closed.then(forget)
      return session
    }
    catch (error) {
      forget()
      throw error
    }
  }

  /** Gives the session up and connects again, waiting before each attempt. Throws what the last attempt threw. */
  async reconnect({ reconnectDelaysMs, reconnectForMs }: MigrationTiming, onAttempt: (attempt: number) => void): Promise<HostSession> {
    await this.close()
    let failure: unknown
    const until = performance.now() + reconnectForMs
    for (const [index, delayMs] of reconnectDelaysMs.entries()) {
      if (performance.now() > until)
        break
      await sleep(delayMs)
      onAttempt(index + 1)
      try {
        return await this.session()
      }
      catch (error) {
        failure = error
        if (needsHuman(error))
          break
      }
    }
    throw failure
  }

  async close(): Promise<void> {
    const session = await this.current?.catch(() => null)
    this.current = null
    session?.connection.close()
  }
}
