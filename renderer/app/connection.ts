/** The one link to the console's process, made anew when it breaks, and the streams that live on it. */
import type { Ref } from 'vue'
import type { Problem } from '../../shared/errors.ts'
import type { ConsoleClient, Link } from './transport.ts'
import { ORPCError } from '@orpc/client'
import { readonly, ref, shallowRef } from 'vue'
import { mayConnect, openLink } from './transport.ts'

export type LinkState = 'connecting' | 'connected' | 'lost' | 'refused'

const retryMs = 1000
const linkState = ref<LinkState>(mayConnect ? 'connecting' : 'refused')
const current = shallowRef<Link | null>(null)
let next = Promise.withResolvers<Link>()

const pause = async (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

async function keepLink(): Promise<void> {
  for (;;) {
    try {
      const link = await openLink()
      current.value = link
      linkState.value = 'connected'
      next.resolve(link)
      await link.closed
      next = Promise.withResolvers()
      current.value = null
    }
    catch {}
    linkState.value = 'lost'
    await pause(retryMs)
  }
}

/** Once, when the app starts. */
export function startConnection(): void {
  if (mayConnect)
    void keepLink()
}

export function useLinkState(): Readonly<Ref<LinkState>> {
  return readonly(linkState)
}

/** The error as the console meant it. What is no problem of the contract's is a lost link or a bug, and says so. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ORPCError && error.code === 'PROBLEM')
    return error.data as Problem
  if (error instanceof ORPCError)
    return { code: 'internal', message: error.message, action: 'Please report it.' }
  return { code: 'connection-lost', message: error instanceof Error ? error.message : String(error), action: 'This window connects again by itself; then try once more.' }
}

/** Calls the console; waits while the link is being made. Throws what `problemOf` understands. */
export async function call<Result>(ask: (client: ConsoleClient) => Promise<Result>): Promise<Result> {
  const { client } = await next.promise
  return ask(client)
}

interface StreamHandlers<Value> {
  onValue: (value: Value) => void
  /** The stream has begun (again): what came before is void. */
  onOpen?: () => void
  /** The console ended it with a problem. It is not tried again, unless nobody is there to hear of it. */
  onProblem?: (problem: Problem) => void
  onEnd?: () => void
}

type OpenStream<Value> = (client: ConsoleClient, signal: AbortSignal) => Promise<AsyncIterable<Value>>

async function follow<Value>(open: OpenStream<Value>, handlers: StreamHandlers<Value>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { client } = await next.promise
    try {
      const stream = await open(client, signal)
      handlers.onOpen?.()
      for await (const value of stream) {
        if (signal.aborted)
          return
        handlers.onValue(value)
      }
      handlers.onEnd?.()
      return
    }
    catch (error) {
      if (signal.aborted)
        return
      const problem = problemOf(error)
      if (handlers.onProblem && linkState.value === 'connected' && problem.code !== 'connection-lost') {
        handlers.onProblem(problem)
        return
      }
      await pause(retryMs)
    }
  }
}

/** Follows a stream over reconnections until the answer is called. */
export function followStream<Value>(open: OpenStream<Value>, handlers: StreamHandlers<Value>): () => void {
  const abort = new AbortController()
  void follow(open, handlers, abort.signal)
  return () => abort.abort()
}
