/** What chart.js does not draw: the cap, the cursor, the ends of lines and their words. */
import type { Chart, Plugin } from 'chart.js'
import type { Colours } from './colours.ts'
import type { ChartSizes } from './geometry.ts'
import type { ChartMark } from './marks.ts'
import { placeTexts } from './marks.ts'

export interface Overlay {
  colours: Colours
  sizes: ChartSizes
  marks: readonly ChartMark[]
  cursorMs: number | null
  cursorText: string
  cap: { y: number, text: string } | null
}

const fontFamily = '"IBM Plex Sans Variable", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
const halo = 4

export function fontOf(size: number, weight: number): string {
  return `${weight} ${size}px ${fontFamily}`
}

function write(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string, surface: string): void {
  context.lineJoin = 'round'
  context.lineWidth = 2 * halo
  context.strokeStyle = surface
  context.strokeText(text, x, y)
  context.fillStyle = colour
  context.fillText(text, x, y)
}

function rule(context: CanvasRenderingContext2D, from: [number, number], to: [number, number], dash: number[], width: number, colour: string): void {
  context.setLineDash(dash)
  context.lineWidth = width
  context.strokeStyle = colour
  context.beginPath()
  context.moveTo(...from)
  context.lineTo(...to)
  context.stroke()
  context.setLineDash([])
}

function drawCap({ ctx, chartArea, scales }: Chart, { cap, colours, sizes }: Overlay): void {
  if (!cap)
    return
  const y = scales.y!.getPixelForValue(cap.y)
  rule(ctx, [chartArea.left, y], [chartArea.right, y], [4, 3], 1, colours.ink3)
  ctx.font = fontOf(sizes.axisFont, 400)
  ctx.textAlign = 'right'
  const above = y - sizes.axisFont * 0.75
  write(ctx, cap.text, chartArea.right - 4, above < chartArea.top ? y + sizes.axisFont * 0.85 : above, colours.ink3, colours.surface)
  ctx.textAlign = 'left'
}

function drawCursor({ ctx, chartArea, scales }: Chart, { cursorMs, cursorText, colours, sizes }: Overlay): void {
  if (cursorMs === null)
    return
  const x = Math.round(scales.x!.getPixelForValue(cursorMs)) + 0.5
  if (x < chartArea.left || x > chartArea.right)
    return
  rule(ctx, [x, chartArea.top - 2], [x, chartArea.bottom], [2, 3], sizes.line / 1.8, colours.ink)
  if (cursorText === '')
    return
  ctx.font = fontOf(sizes.axisFont, 500)
  const half = ctx.measureText(cursorText).width / 2
  ctx.textAlign = 'center'
  write(ctx, cursorText, Math.min(Math.max(x, chartArea.left + half), chartArea.right - half), chartArea.top - sizes.axisFont * 0.75, colours.ink, colours.surface)
  ctx.textAlign = 'left'
}

function drawMarks({ ctx, chartArea, scales }: Chart, { marks, colours, sizes }: Overlay): void {
  const fonts = marks.map(({ small }) => small ? fontOf(sizes.axisFont, 500) : fontOf(sizes.labelFont, 600))
  const dots = marks.map((mark, index) => {
    ctx.font = fonts[index]!
    return { x: scales.x!.getPixelForValue(mark.x), y: scales.y!.getPixelForValue(mark.y), width: ctx.measureText(mark.text).width, height: (mark.small ? sizes.axisFont : sizes.labelFont) * 1.3, nudge: mark.nudge ?? 0 }
  })
  const texts = placeTexts(dots, chartArea)
  for (const [index, { tone, text, dot }] of marks.entries()) {
    const { x, y } = dots[index]!
    if (dot) {
      ctx.beginPath()
      ctx.arc(x, y, sizes.dot, 0, 2 * Math.PI)
      ctx.fillStyle = colours.line[tone]
      ctx.fill()
      ctx.lineWidth = 1.5
      ctx.strokeStyle = colours.surface
      ctx.stroke()
    }
    ctx.font = fonts[index]!
    write(ctx, text, texts[index]!.x, texts[index]!.y, colours.text[tone], colours.surface)
  }
}

/** `overlay` is asked at each drawing. */
export function linePlugin(overlay: () => Overlay): Plugin<'line'> {
  return {
    id: 'me2-lines',
    afterDatasetsDraw(chart) {
      const shown = overlay()
      const { ctx } = chart
      ctx.save()
      ctx.textBaseline = 'middle'
      drawCap(chart, shown)
      drawCursor(chart, shown)
      drawMarks(chart, shown)
      ctx.restore()
    },
  }
}
