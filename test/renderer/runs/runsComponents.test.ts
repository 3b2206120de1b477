import type { ListedRun } from '../../../shared/contract/runs.ts'
import type { Run } from '../../../shared/model/run.ts'
import { mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'
import { i18n } from '../../../renderer/app/i18n.ts'
import { useSession } from '../../../renderer/app/stores.ts'
import { rowsOf } from '../../../renderer/features/runs/library.ts'
import LibraryTable from '../../../renderer/features/runs/LibraryTable.vue'
import ReplayBar from '../../../renderer/features/runs/ReplayBar.vue'
import RunTag from '../../../renderer/features/runs/RunTag.vue'
import SweepView from '../../../renderer/features/runs/SweepView.vue'
import { savedRun } from '../../fixtures/savedRuns.ts'

const stock = savedRun('web-stock').run
const me2 = savedRun('web-me2').run
const cancelled = savedRun('web-cancelled').run

function listed(run: Run, change: Partial<ListedRun> = {}): ListedRun {
  return { id: run.id, source: 'own', title: '', note: '', run, problem: null, ...change }
}

/** The kit's own components as bare elements with what they were given. */
const stubs = {
  UIcon: true,
  RouterLink: { props: ['to'], template: '<a :data-to="JSON.stringify(to.query)"><slot /></a>' },
  UButton: { props: ['to'], template: '<button><slot /></button>' },
  UCheckbox: { props: ['modelValue'], emits: ['update:modelValue'], template: '<input type="checkbox" :data-state="String(modelValue)" @click="$emit(\'update:modelValue\', modelValue !== true)">' },
  UDropdownMenu: { props: ['items'], template: '<div data-menu><button v-for="item in items.flat()" :key="item.label" @click="item.onSelect()">{{ item.label }}</button></div>' },
}

function show(component: Parameters<typeof mount>[0], props: Record<string, unknown>) {
  return mount(component, { props, global: { plugins: [i18n], stubs } })
}

beforeEach(() => {
  i18n.global.locale.value = 'en'
  setActivePinia(createPinia())
})

function role(role: 'operator' | 'viewer'): void {
  useSession().session = { role, version: '1', shell: 'web', canKeepSecrets: false }
}

describe('the library\'s table', () => {
  const rows = rowsOf([listed(cancelled), listed(me2, { title: 'For Monday', note: 'with the projector' }), listed(stock)])

  it('has a race a row, with its ratios, title and note', () => {
    role('operator')
    const race = show(LibraryTable, { rows, selected: new Set() }).findAll('[data-race]')[1]!.text().replace(/\s+/g, ' ')
    expect(race).toContain('For Monday')
    expect(race).toContain('with the projector')
    expect(race).toContain('1 stock · 1 ME2')
    expect(race).toContain('0.30')
  })

  it('says what became of what was not migrated', () => {
    role('operator')
    const row = show(LibraryTable, { rows, selected: new Set() }).findAll('[data-race]')[0]!
    expect(row.text()).toContain('undone')
    expect(row.text()).not.toMatch(/0\.\d\d/)
  })

  it('opens a race to its runs', async () => {
    role('operator')
    const table = show(LibraryTable, { rows, selected: new Set() })
    expect(table.findAll('[data-run]')).toHaveLength(0)
    await table.findAll('[aria-expanded]')[1]!.trigger('click')
    expect(table.findAll('[data-run]').map(run => run.text().replace(/\s+/g, ' '))).toEqual([expect.stringMatching(/Stock ?migrated.*292\.4 MB/), expect.stringMatching(/ME2 rle ?migrated.*88\.0 MB/)])
  })

  it('chooses all runs of a race at once', async () => {
    role('viewer')
    const table = show(LibraryTable, { rows, selected: new Set() })
    await table.findAll('[data-race] input')[1]!.trigger('click')
    expect([...table.emitted<[Set<string>]>('update:selected')![0]![0]].sort()).toEqual([me2.id, stock.id].sort())
  })

  it('shows a race of which some runs are chosen as neither', () => {
    role('viewer')
    const table = show(LibraryTable, { rows, selected: new Set([stock.id]) })
    expect(table.findAll('[data-race] input').map(box => box.attributes('data-state'))).toEqual(['false', 'indeterminate'])
  })

  it.each([
    ['an operator\'s own', 'operator', 'own', true],
    ['a viewer\'s', 'viewer', 'own', false],
    ['a recording\'s', 'operator', 'recording', false],
  ] as const)('%s menu offers what would not be refused', (_, who, source, mayChange) => {
    role(who)
    const menu = show(LibraryTable, { rows: rowsOf([listed(stock, { source })]), selected: new Set() }).get('[data-menu]').text()
    expect(menu).toContain('CSV')
    expect(menu.includes('Delete')).toBe(mayChange)
    expect(menu.includes('Title and note')).toBe(mayChange)
  })

  it('says why a run cannot be read, and lets it go', async () => {
    role('operator')
    const broken: ListedRun = { id: 'broken', source: 'own', title: '', note: '', run: null, problem: { code: 'run-corrupt', message: 'run.json is not JSON', action: '' } }
    const table = show(LibraryTable, { rows: rowsOf([broken]), selected: new Set() })
    expect(table.text()).toContain('run.json is not JSON')
    expect(table.get('[data-menu]').text()).toBe('Delete')
    await table.get('[data-menu] button').trigger('click')
    expect(table.emitted('remove')).toEqual([[['broken']]])
  })
})

describe('the bar of a replay', () => {
  const props = { timeMs: 30_000, endMs: 120_000, playing: false, speed: 4 }

  it('says where it is, to the ear as well', () => {
    const bar = show(ReplayBar, props)
    expect(bar.text()).toContain('30.0 s of 120.0 s')
    expect(bar.get('input').attributes('aria-valuetext')).toBe('30.0 s of 120.0 s')
  })

  it('plays, pauses, and plays again from the start at the end', async () => {
    const bar = show(ReplayBar, props)
    const names: (string | undefined)[] = []
    for (const change of [{ playing: false }, { playing: true }, { playing: false, timeMs: 120_000 }]) {
      await bar.setProps(change as Record<string, unknown>)
      names.push(bar.get('button').attributes('aria-label'))
      await bar.get('button').trigger('click')
    }
    expect(names).toEqual(['Play', 'Pause', 'From the start'])
    expect(bar.emitted('play')).toHaveLength(2)
    expect(bar.emitted('pause')).toHaveLength(1)
  })

  it('can be moved, and made faster', async () => {
    const bar = show(ReplayBar, props)
    await bar.get('input').setValue('45000')
    expect(bar.emitted('seek')).toEqual([[45_000]])
    await bar.findAll('[role=group] button')[3]!.trigger('click')
    expect(bar.emitted('update:speed')).toEqual([[64]])
  })
})

describe('the mark of a replay', () => {
  it('is there in both languages', () => {
    expect(show(RunTag, { kind: 'replay' }).text()).toBe('replay')
    i18n.global.locale.value = 'zh'
    expect(show(RunTag, { kind: 'replay' }).text()).toBe('回放')
  })
})

describe('a saved sweep', () => {
  const swept = (run: Run, id: string, rateMbit: number | null, totalMs: number, outcome: 'migrated' | 'aborted' = 'migrated'): ListedRun => listed({
    ...run,
    id,
    race: { id: 'sweep', index: 0, runs: 4, kind: 'sweep' },
    settings: { ...run.settings, rateMbit },
    result: { ...run.result!, totalMs, outcome },
  })
  const [row] = rowsOf([swept(stock, 'a', 20, 100_000), swept(me2, 'b', 20, 40_000), swept(stock, 'c', null, 2000), swept(me2, 'd', null, 3000)])
  const cell = (view: ReturnType<typeof show>, rate: string, method: string): string => view.get(`[data-rate="${rate}"] [data-method="${method}"]`).text().replace(/\s+/g, ' ')

  it('says at each rate what was the fastest, names ME2 by its encoder, and leads to the run over stock', () => {
    const view = show(SweepView, { row })
    expect(cell(view, '20', 'rle')).toMatch(/^0\.40 .*40\.0 s.*fastest$/)
    expect(cell(view, 'none', 'stock')).toMatch(/fastest$/)
    expect(view.findAll('thead th').map(head => head.text())).toEqual(['Mbit/s', 'Stock', 'ME2 rle'])
    expect(view.text()).toContain('Between 20 Mbit/s and no cap: from ME2 rle to Stock.')
    expect(view.get('[data-rate="20"] [data-method=rle] a').attributes('data-to')).toBe(JSON.stringify({ overlay: 'a,b' }))
  })

  it('says what was not measured', () => {
    const [broken] = rowsOf([swept(stock, 'a', 20, 100_000), swept(me2, 'b', 20, 40_000, 'aborted')])
    expect(cell(show(SweepView, { row: broken }), '20', 'rle')).toBe('not measured')
  })
})
