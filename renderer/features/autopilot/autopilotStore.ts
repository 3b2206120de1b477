/** The autopilot for the whole app. Whoever needs it calls `start` first; it is followed once. */
import type { AutopilotView } from '../../../shared/contract/autopilot.ts'
import type { AutopilotMode } from '../../../shared/model/autopilot/audit.ts'
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { call, followStream } from '../../app/connection.ts'
import { saveFile } from '../../app/files.ts'

export const useAutopilot = defineStore('autopilot', () => {
  /** Null until the console told it for the first time. */
  const view = shallowRef<AutopilotView | null>(null)
  let followed = false

  function start(): void {
    if (followed)
      return
    followed = true
    followStream(async (client, signal) => client.autopilot.watch(undefined, { signal }), { onValue: value => view.value = value })
  }
  async function begin(hosts: string[], mode: AutopilotMode, dryRun: boolean): Promise<void> {
    await call(async client => client.autopilot.start({ hosts, mode, dryRun }))
  }
  async function stop(): Promise<void> {
    await call(async client => client.autopilot.stop())
  }
  async function answer(how: 'approve' | 'dismiss', id: string): Promise<void> {
    await call(async client => client.autopilot[how]({ id }))
  }
  /** On a guest of the boxed lab. */
  async function load(guest: string, percent: number): Promise<void> {
    await call(async client => client.lab.load({ guest, percent }))
  }
  async function saveLog(): Promise<void> {
    saveFile(await call(async client => client.autopilot.auditLog()))
  }
  return { view, start, begin, stop, answer, load, saveLog }
})
