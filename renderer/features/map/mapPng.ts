/** The whole map as a picture to keep: title, map, legend, date and lab. Never any contents. */
import type { ClassMap } from './classMap.ts'
import type { Look } from './painter.ts'
import { CellPicture, drawPicture } from './canvasPainter.ts'
import { writtenSlots } from './classMap.ts'
import { colourOf } from './palette.ts'

export interface PictureRow {
  /** A class, or 'total'. A heading when null. */
  id: string | null
  label: string
  frames: string
  size: string
  /** False: filtered out. */
  on: boolean
}

export interface PictureWords {
  title: string
  subtitle: string
  /** The lab, and what has to be known of it. */
  lab: string
  rows: readonly PictureRow[]
}

const mapSide = 1024
const largestPicture = 4096
const margin = 32
const headHeight = 76
const legendWidth = 380
/** From the legend's right edge to the right edge of its frames. */
const sizeWidth = 96
const rowHeight = 26
const font = '"IBM Plex Sans Variable", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'

type Painting = CanvasRenderingContext2D

function write(context: Painting, text: string, x: number, y: number, { size, weight = 400, colour, align = 'left' }: { size: number, weight?: number, colour: string, align?: CanvasTextAlign }): void {
  context.font = `${weight} ${size}px ${font}`
  context.fillStyle = colour
  context.textAlign = align
  context.fillText(text, x, y)
}

function drawSwatch(context: Painting, id: string, x: number, y: number, { colours }: Look): void {
  context.fillStyle = colourOf(id, colours)
  context.fillRect(x, y, 14, 14)
  context.strokeStyle = colours.hatch
  context.lineWidth = 1
  context.beginPath()
  context.rect(x + 0.5, y + 0.5, 13, 13)
  if (id === 'unknown') {
    for (const at of [4, 8, 12]) {
      context.moveTo(x + at, y + 1)
      context.lineTo(x + 1, y + at)
    }
  }
  context.stroke()
}

function drawLegend(context: Painting, rows: readonly PictureRow[], left: number, top: number, look: Look): void {
  const { colours } = look
  for (const [index, { id, label, frames, size, on }] of rows.entries()) {
    const y = top + index * rowHeight
    context.globalAlpha = on ? 1 : 0.45
    if (id !== null && id !== 'total')
      drawSwatch(context, id, left, y, look)
    const weight = id === 'total' ? 600 : 400
    write(context, label, id === null ? left : left + 24, y + 12, { size: 14, weight, colour: id === null ? colours.muted : colours.ink })
    write(context, frames, left + legendWidth - sizeWidth, y + 12, { size: 14, weight: id === null ? 400 : 600, colour: id === null ? colours.muted : colours.ink, align: 'right' })
    write(context, size, left + legendWidth, y + 12, { size: 14, weight, colour: colours.muted, align: 'right' })
  }
  context.globalAlpha = 1
}

/** Whole pixels a frame where the picture is not too large for it. */
function exportScale(columns: number, rows: number): number {
  const longest = Math.max(columns, rows)
  return longest > largestPicture ? largestPicture / longest : Math.max(1, Math.floor(mapSide / longest))
}

export async function drawMapPng(map: ClassMap, look: Omit<Look, 'written'>, words: PictureWords): Promise<Blob> {
  const still: Look = { ...look, written: new Float32Array(writtenSlots) }
  const picture = new CellPicture(map)
  picture.colourAll(still)
  const scale = exportScale(picture.canvas.width, picture.canvas.height)
  const [width, height] = [picture.canvas.width * scale, picture.canvas.height * scale]

  const sheet = document.createElement('canvas')
  sheet.width = margin + width + margin + legendWidth + margin
  sheet.height = headHeight + Math.max(height, (words.rows.length + 1) * rowHeight) + margin
  const context = sheet.getContext('2d')!
  const { colours } = look
  context.fillStyle = colours.surface
  context.fillRect(0, 0, sheet.width, sheet.height)
  write(context, words.title, margin, 36, { size: 24, weight: 600, colour: colours.ink })
  write(context, words.subtitle, margin, 58, { size: 14, colour: colours.text })
  write(context, words.lab, sheet.width - margin, 36, { size: 14, weight: 600, colour: colours.ink, align: 'right' })
  context.save()
  context.translate(margin, headHeight)
  context.beginPath()
  context.rect(0, 0, width, height)
  context.clip()
  drawPicture(context, picture.canvas, colours, { width, height, wanted: scale, column: 0, row: 0 })
  context.restore()
  drawLegend(context, words.rows, margin + width + margin, headHeight, still)
  return new Promise((resolve, reject) => sheet.toBlob(blob => blob ? resolve(blob) : reject(new Error('The picture could not be made.')), 'image/png'))
}
