import type { PictureWords } from '../../../renderer/features/runs/chartPicture.ts'
import type { RunSettings } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { drawCharts } from '../../../renderer/features/runs/chartPicture.ts'
import { overlaid } from '../../../renderer/features/runs/overlay.ts'
import { laneOfSaved } from '../../../shared/model/savedLane.ts'
import { savedRun } from '../../fixtures/savedRuns.ts'

const tones = (name: string) => ({ stock: `${name} stock`, me2: `${name} me2`, ink: `${name} ink` })
const colours = { line: tones('line'), text: tones('text'), surface: 'surface', grid: 'grid', axis: 'axis', ink: 'ink', ink2: 'ink2', ink3: 'ink3' }
const words: PictureWords = {
  title: 'Monday',
  subtitle: 'web · hosta ⇄ hostb',
  tags: ['recording', 'emulated CPU'],
  charts: { sent: { title: 'Sent', unit: 'MB' }, left: { title: 'Pages left', unit: 'thousand' }, rate: { title: 'Rate', unit: 'MB/s' } },
  phases: 'Phases',
}
const lanes = (['web-stock', 'web-me2'] as const).map(savedRun).map(({ run, events }) => laneOfSaved(run, events))

const nameOf = ({ mode }: RunSettings): string => mode === 'stock' ? 'Stock' : 'ME2'

interface Drawn {
  texts: { text: string, colour: string, x: number, y: number }[]
  strokes: { colour: string, points: number }[]
  blocks: { colour: string, width: number, height: number }[]
}

/** A canvas that remembers what was drawn; a letter is half as wide as it is high. */
function draw(shown = lanes): Drawn {
  const drawn: Drawn = { texts: [], strokes: [], blocks: [] }
  let points = 0
  const context = {
    font: '',
    fillStyle: '',
    strokeStyle: '',
    beginPath: () => points = 0,
    moveTo: () => points++,
    lineTo: () => points++,
    stroke: () => drawn.strokes.push({ colour: context.strokeStyle, points }),
    arc: () => {},
    fill: () => {},
    fillRect: (_x: number, _y: number, width: number, height: number) => drawn.blocks.push({ colour: context.fillStyle, width, height }),
    fillText: (text: string, x: number, y: number) => drawn.texts.push({ text, colour: context.fillStyle, x, y }),
    measureText: (text: string) => ({ width: text.length * Number(/(\d+)px/.exec(context.font)![1]) / 2 }),
  }
  drawCharts(context as unknown as CanvasRenderingContext2D, overlaid(shown, { full: nameOf, short: nameOf }), words, colours)
  return drawn
}

describe('the picture of charts', () => {
  const { texts, strokes, blocks } = draw()
  const written = texts.map(({ text }) => text)

  it('says what it is, and what must be known of it', () => {
    for (const text of ['Monday', 'web · hosta ⇄ hostb', 'recording', 'emulated CPU', 'Sent', 'Pages left', 'Rate', 'Phases'])
      expect(written).toContain(text)
  })

  it('draws each run\'s three lines in its hue, and names their ends', () => {
    for (const mode of ['stock', 'me2']) {
      expect(strokes.filter(({ colour }) => colour === `line ${mode}`)).toHaveLength(3)
      expect(strokes.filter(({ colour, points }) => colour === `line ${mode}` && points > 50).length).toBeGreaterThanOrEqual(2)
    }
    expect(texts.find(({ text }) => text === 'Stock 292.4 MB')?.colour).toBe('text stock')
    expect(texts.find(({ text }) => text === 'ME2 88.0 MB')?.colour).toBe('text me2')
  })

  it('has the length of each pause', () => {
    expect(written).toEqual(expect.arrayContaining(['2.97 s', '1.33 s']))
    expect(blocks.filter(({ colour }) => colour === 'ink')).toHaveLength(2)
  })

  it('keeps inside itself', () => {
    expect(texts.every(({ x, y }) => x >= 0 && x <= 1280 && y > 0 && y < blocks[0]!.height)).toBe(true)
    expect(blocks[0]).toMatchObject({ colour: 'surface', width: 1280 })
  })

  it('grows with the runs', () => {
    expect(draw([...lanes, ...lanes]).blocks[0]!.height).toBeGreaterThan(blocks[0]!.height)
  })

  it('is drawn of a run that never sent a page', () => {
    const { run, events } = savedRun('web-cancelled')
    const early = laneOfSaved({ ...run, result: null }, events.slice(0, 3))
    expect(draw([early]).texts.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true)
  })
})
