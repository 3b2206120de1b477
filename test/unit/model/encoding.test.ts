import type { RunSettings } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { encodingName, encodingOf, encodingWith, presetOf, presets, runName } from '../../../shared/model/encoding.ts'
import { encoders } from '../../../shared/model/run.ts'
import { finishedRun } from './runs.ts'

function settings(change: Partial<RunSettings>): RunSettings {
  return { ...finishedRun().settings, ...change }
}

describe('an encoding', () => {
  it('is completed by what is usual for its encoder', () => {
    expect(encodingWith('zstd')).toEqual({ encoder: 'zstd', level: 3, cacheMiB: 0 })
    expect(encodingWith('delta')).toEqual({ encoder: 'delta', level: null, cacheMiB: 64 })
    expect(encodingWith('lz4', { level: 9 })).toMatchObject({ level: null })
  })

  it('has a name of its own, whatever is chosen', () => {
    const choices = encoders.flatMap(encoder => [0, 16, 64].flatMap(cacheMiB => encoder === 'zstd'
      ? [encodingWith(encoder, { cacheMiB, level: 1 }), encodingWith(encoder, { cacheMiB, level: 19 })]
      : [encodingWith(encoder, { cacheMiB })]))
    expect(new Set(choices.map(encodingName)).size).toBe(choices.length)
    expect(encodingName(encodingWith('zstd', { level: 9 }))).toBe('zstd 9')
    expect(encodingName(encodingWith('rle', { cacheMiB: 16 }))).toBe('rle, cache 16 MiB')
  })

  it('is known as a preset only where it is one in full', () => {
    expect([presetOf(presets.paper), presetOf(presets.best)]).toEqual(['paper', 'best'])
    expect(presetOf({ ...presets.paper, cacheMiB: 64 })).toBeNull()
    expect(presetOf(encodingWith('zstd'))).toBeNull()
  })
})

describe('a run\'s name', () => {
  it('never leaves the encoder out', () => {
    expect(runName(settings({}))).toBe('stock')
    expect(runName(settings({ mode: 'me2', encoder: 'zstd', level: 9 }))).toBe('ME2 zstd 9')
    expect(encodingOf(settings({}))).toBeNull()
  })

  it('of a run of before there were levels is that of the encoder', () => {
    expect(runName(settings({ mode: 'me2', encoder: 'rle', level: null, cacheMiB: 0 }))).toBe('ME2 rle')
  })
})
