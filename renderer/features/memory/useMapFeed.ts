/**
 * Follows one guest's map. What it holds is a ClassMap outside Vue; `version` counts its changes, and `figures` are the
 * few numbers that the legend shows.
 */
import type { Ref, ShallowRef } from 'vue'
import type { MapMessage } from '../../../shared/contract/memory.ts'
import type { Problem } from '../../../shared/errors.ts'
import type { ClassMove } from '../map/classMap.ts'
import type { ClassFigures } from '../map/scheme.ts'
import type { GuestName } from './guestName.ts'
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import { decodeMapRuns, readTriples } from '../../../shared/agent/mapRuns.ts'
import { Me2Error } from '../../../shared/errors.ts'
import { followStream, problemOf } from '../../app/connection.ts'
import { ClassMap } from '../map/classMap.ts'
import { layoutFor } from '../map/layouts.ts'
import { memoryScheme } from './memoryScheme.ts'

export interface MapFigures extends ClassFigures {
  writtenFrames: number
  /** One look at all of memory for writes takes this long. Null: not known yet. */
  sweepMs: number | null
  keptAt: Date | null
  changes: readonly ClassMove[]
}

/** `reading`: the first picture is on its way. `ended`: the guest or its host went away. */
export type FeedState = 'idle' | 'reading' | 'following' | 'paused' | 'ended' | 'failed'

export interface MapFeed {
  state: Readonly<Ref<FeedState>>
  map: Readonly<ShallowRef<ClassMap | null>>
  version: Readonly<Ref<number>>
  figures: Readonly<ShallowRef<MapFigures | null>>
  kernel: Readonly<Ref<string>>
  problem: Readonly<ShallowRef<Problem | null>>
  pause: () => void
  /** Goes on after a pause, an end or a problem. */
  resume: () => void
  /** Keeps what the map shows now, to compare with. */
  keep: () => void
  /** Milliseconds since a frame was found written. `never`: not since the map was opened; null: nothing is known of writes. */
  writtenAgoMs: (frame: number) => number | 'never' | null
}

const everyMs = 500
/** Steps of the fading of written pages. */
const fadeEveryMs = 250

function toProblem(error: unknown): Problem {
  return error instanceof Me2Error ? error.toProblem() : problemOf(error)
}

export function useMapFeed(which: Ref<GuestName | null>): MapFeed {
  const state = ref<FeedState>('idle')
  const map = shallowRef<ClassMap | null>(null)
  const version = ref(0)
  const figures = shallowRef<MapFigures | null>(null)
  const kernel = ref('')
  const problem = shallowRef<Problem | null>(null)
  let sequence = 0
  let sweepMs: number | null = null
  /** The host's clock and ours at the newest message. */
  let clock: { hostMs: number, atMs: number } | null = null
  let fading: ReturnType<typeof setInterval> | undefined
  let stop: (() => void) | null = null

  function publish(): void {
    const { value } = map
    version.value++
    figures.value = value && {
      frames: value.frames,
      counts: Array.from(value.counts),
      writtenFrames: value.writtenFrames,
      sweepMs,
      keptAt: value.keptAt,
      changes: value.changes(),
    }
  }

  function fadeOn(): void {
    fading ??= setInterval(() => {
      const before = map.value?.writtenFrames
      if (!map.value?.expire(performance.now())) {
        clearInterval(fading)
        fading = undefined
      }
      if (map.value?.writtenFrames === before)
        version.value++
      else
        publish()
    }, fadeEveryMs)
  }

  async function takeSnapshot(message: MapMessage & { kind: 'snapshot' }, isCurrent: () => boolean): Promise<void> {
    const classes = decodeMapRuns(message.runs, message.frames)
    const layout = await layoutFor(message.frames)
    if (!isCurrent())
      return
    if (map.value?.frames === message.frames)
      map.value.replace(classes)
    else
      map.value = new ClassMap(layout, classes, memoryScheme.ids.length)
    sequence = message.sequence
    state.value = 'following'
  }

  function takeWritten(message: MapMessage & { kind: 'written' }): void {
    sweepMs = message.sweepMs > 0 ? message.sweepMs : sweepMs
    map.value?.markWritten(readTriples(message.runs, map.value.frames), message.ms, performance.now())
    fadeOn()
  }

  async function take(message: MapMessage, isCurrent: () => boolean): Promise<void> {
    if (message.kind === 'opened') {
      kernel.value = message.kernel
      return
    }
    clock = { hostMs: message.ms, atMs: performance.now() }
    if (message.kind === 'snapshot')
      await takeSnapshot(message, isCurrent)
    else if (message.kind === 'written')
      takeWritten(message)
    else if (message.sequence !== sequence + 1)
      start()
    else
      takeDelta(message)
    publish()
  }

  function takeDelta(message: MapMessage & { kind: 'delta' }): void {
    sequence = message.sequence
    if (map.value)
      map.value.apply(readTriples(message.changes, map.value.frames))
  }

  function fail(error: unknown): void {
    halt()
    problem.value = toProblem(error)
    state.value = 'failed'
  }

  function halt(): void {
    stop?.()
    stop = null
  }

  function start(): void {
    halt()
    problem.value = null
    const { value } = which
    if (!value) {
      state.value = 'idle'
      return
    }
    state.value = 'reading'
    let queue = Promise.resolve()
    const unfollow = followStream<MapMessage>(async (client, signal) => client.memory.watch({ ...value, everyMs }, { signal }), {
      onValue: (message) => {
        queue = queue.then(async () => isCurrent() ? take(message, isCurrent) : undefined).catch(fail)
      },
      onProblem: (found) => {
        problem.value = found
        state.value = 'failed'
      },
      onEnd: () => {
        state.value = 'ended'
      },
    })
    function isCurrent(): boolean {
      return stop === unfollow
    }
    stop = unfollow
  }

  watch(() => which.value && `${which.value.host} ${which.value.guest}`, () => {
    map.value = null
    clock = null
    sweepMs = null
    publish()
    start()
  }, { immediate: true })
  onScopeDispose(() => {
    halt()
    clearInterval(fading)
  })

  return {
    state, map, version, figures, kernel, problem,
    pause: () => {
      halt()
      state.value = 'paused'
    },
    resume: start,
    keep: () => {
      map.value?.keep(new Date())
      publish()
    },
    writtenAgoMs: (frame) => {
      if (!map.value || !clock || sweepMs === null)
        return null
      const writtenMs = map.value.lastWrittenMs(frame)
      return writtenMs === null ? 'never' : clock.hostMs + performance.now() - clock.atMs - writtenMs
    },
  }
}
