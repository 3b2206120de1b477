/** The current or last race, for the whole app. Whoever needs it calls `start` first; it is followed once. */
import type { RaceCheck, RaceMessage, RaceRequestView } from '../../../shared/contract/races.ts'
import type { RaceState } from '../../../shared/model/raceState.ts'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { addRaceMessages, running } from '../../../shared/model/raceState.ts'
import { call, followStream } from '../../app/connection.ts'

export const useRace = defineStore('race', () => {
  /** Null until the first race. */
  const race = shallowRef<RaceState | null>(null)
  const isUnderWay = computed(() => race.value !== null && race.value.stage !== 'ended')
  /** A run goes on now: not the pause between two of them. */
  const isRunning = computed(() => race.value !== null && running(race.value.lanes).length > 0)
  /** The race whose result was left for a new set-up. */
  const leftResult = ref<string | null>(null)
  let followed = false

  function take(messages: readonly RaceMessage[]): void {
    race.value = addRaceMessages(race.value, messages)
  }
  function start(): void {
    if (followed)
      return
    followed = true
    followStream(async (client, signal) => client.races.watch(undefined, { signal }), { onValue: take })
  }
  async function precheck(request: RaceRequestView): Promise<RaceCheck[]> {
    return call(async client => client.races.precheck(request))
  }
  async function begin(request: RaceRequestView): Promise<void> {
    await call(async client => client.races.start(request))
  }
  /** Null: accepted. Otherwise why the run under way goes on to its end. */
  async function cancel(): Promise<string | null> {
    const { accepted, reason } = await call(async client => client.races.cancel())
    return accepted ? null : reason
  }
  return { race, isUnderWay, isRunning, leftResult, start, precheck, begin, cancel }
})
