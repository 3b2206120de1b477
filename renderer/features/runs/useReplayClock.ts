/** The clock of a replay: it stands, or it runs at a speed; ten times a second it says where it is. */
import type { Ref } from 'vue'
import type { Speed } from './replay.ts'
import { useIntervalFn } from '@vueuse/core'
import { ref } from 'vue'

const tickMs = 100

export interface ReplayClock {
  timeMs: Ref<number>
  playing: Ref<boolean>
  speed: Ref<Speed>
  play: () => void
  pause: () => void
  /** Any time; it is brought into the replay. */
  seek: (timeMs: number) => void
}

/** Stands at 0 until it is played. `endMs` is asked at each tick. */
export function useReplayClock(endMs: () => number): ReplayClock {
  const timeMs = ref(0)
  const playing = ref(false)
  const speed = ref<Speed>(4)
  let tickedAtMs = 0

  const timer = useIntervalFn(() => {
    const nowMs = performance.now()
    seek(timeMs.value + (nowMs - tickedAtMs) * speed.value)
    tickedAtMs = nowMs
    if (timeMs.value >= endMs())
      pause()
  }, tickMs, { immediate: false })

  function seek(to: number): void {
    timeMs.value = Math.min(Math.max(0, to), endMs())
  }
  function pause(): void {
    playing.value = false
    timer.pause()
  }
  function play(): void {
    if (timeMs.value >= endMs())
      timeMs.value = 0
    tickedAtMs = performance.now()
    playing.value = true
    timer.resume()
  }
  return { timeMs, playing, speed, play, pause, seek }
}
