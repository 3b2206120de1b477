/** What the whole app watches: one stream each, opened once. Features have stores of their own. */
import type { HostLoad, HostView } from '../../shared/contract/hosts.ts'
import type { LabView } from '../../shared/contract/lab.ts'
import type { QuestionView, SessionView } from '../../shared/contract/session.ts'
import type { Settings } from '../../shared/contract/settings.ts'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { call, followStream } from './connection.ts'

export const useSession = defineStore('session', () => {
  const session = shallowRef<SessionView | null>(null)
  const questions = shallowRef<QuestionView[]>([])
  const isOperator = computed(() => session.value?.role === 'operator')

  function start(): void {
    void call(async client => client.session.hello()).then((hello) => {
      session.value = hello
      if (hello.role === 'operator')
        followStream(async (client, signal) => client.session.questions(undefined, { signal }), { onValue: open => questions.value = open })
    })
  }
  async function answer(id: string, text: string | null, keep: boolean): Promise<void> {
    await call(async client => client.session.answer({ id, answer: text, keep }))
  }
  return { session, questions, isOperator, start, answer }
})

export const useLab = defineStore('lab', () => {
  const lab = shallowRef<LabView | null>(null)
  /** `performance.now()` when `lab` arrived: what elapses is counted on from there. */
  const receivedAtMs = ref(0)

  function start(): void {
    followStream(async (client, signal) => client.lab.watch(undefined, { signal }), {
      onValue: (view) => {
        lab.value = view
        receivedAtMs.value = performance.now()
      },
    })
  }
  return { lab, receivedAtMs, start }
})

const keptSamples = 300

export const useHosts = defineStore('hosts', () => {
  const hosts = shallowRef<HostView[]>([])
  /** False until the console told them for the first time. */
  const known = ref(false)
  /** Samples a second by host, oldest first, five minutes of them. */
  const loads = shallowRef<ReadonlyMap<string, readonly HostLoad[]>>(new Map())
  /** Every guest with the host it is on. */
  const guests = computed(() => hosts.value.flatMap(host => host.guests.map(guest => ({ host, guest }))))

  function addSample(sample: HostLoad): void {
    const before = loads.value.get(sample.host) ?? []
    loads.value = new Map(loads.value).set(sample.host, [...before.slice(1 - keptSamples), sample])
  }
  function start(): void {
    followStream(async (client, signal) => client.hosts.watch(undefined, { signal }), {
      onValue: (list) => {
        hosts.value = list
        known.value = true
      },
    })
    followStream(async (client, signal) => client.hosts.load(undefined, { signal }), { onValue: addSample })
  }
  return { hosts, known, guests, loads, start }
})

export const useSettings = defineStore('settings', () => {
  /** As the console told them last. */
  const told = shallowRef<Settings | null>(null)
  const underWay = shallowRef<readonly Partial<Settings>[]>([])
  /** With what was changed here and is not told yet: the next change goes on from it. */
  const settings = computed({
    get: () => told.value && underWay.value.reduce<Settings>((all, part) => ({ ...all, ...part }), told.value),
    set: value => told.value = value,
  })

  function start(): void {
    followStream(async (client, signal) => client.settings.watch(undefined, { signal }), { onValue: value => told.value = value })
  }
  async function change(part: Partial<Settings>): Promise<void> {
    underWay.value = [...underWay.value, part]
    try {
      await call(async client => client.settings.change(part))
    }
    finally {
      underWay.value = underWay.value.filter(each => each !== part)
    }
  }
  return { settings, start, change }
})
