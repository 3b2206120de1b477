/** How ME2 encodes, as the command line says it: a preset, or an encoder with its level and cache. */
import type { Encoding } from '../../shared/model/encoding.ts'
import type { Encoder } from '../../shared/model/run.ts'
import type { Arguments, OptionSpec } from './arguments.ts'
import { encodingWith, mostCacheMiB, presetNames, presets, zstdLevels } from '../../shared/model/encoding.ts'
import { encoders } from '../../shared/model/run.ts'
import { usage, wholeNumber } from './arguments.ts'

export const encodingOptions: readonly OptionSpec[] = [
  { name: 'preset', value: presetNames.join('|'), help: 'paper: rle, as in the paper (default); best: picks the encoder as it goes, and keeps sent pages for differences' },
  { name: 'encoder', value: encoders.join('|'), help: 'how ME2 encodes pages, instead of a preset' },
  { name: 'level', value: `${zstdLevels.least}..${zstdLevels.most}`, help: `of the encoder zstd (default ${zstdLevels.usual})` },
  { name: 'cache', value: `0..${mostCacheMiB}`, help: 'MiB of sent pages that both ends keep (default 64 for delta and auto, otherwise 0)' },
]

const own = ['encoder', 'level', 'cache'] as const

/** Throws `usage` for what contradicts itself. */
export function chosenEncoding(args: Arguments): Encoding {
  if (args.text('preset') !== undefined) {
    const other = own.find(name => args.text(name) !== undefined)
    if (other !== undefined)
      throw usage(`--preset and --${other} contradict each other.`, 'A preset settles encoder, level and cache.')
    return presets[args.choice('preset', presetNames, 'paper')]
  }
  const encoder = args.choice('encoder', encoders, presets.paper.encoder)
  const level = args.wholeNumber('level', zstdLevels.least, zstdLevels.most)
  if (level !== undefined && encoder !== 'zstd')
    throw usage(`The encoder ${encoder} has no levels.`, 'Give --level with --encoder zstd.')
  return encodingWith(encoder, { level, cacheMiB: args.wholeNumber('cache', 0, mostCacheMiB) })
}

const sweptEncoders: readonly Encoder[] = ['none', 'rle', 'lz4', 'zstd', 'auto']

/** Those of --encoders, zstd at each of --levels. Throws `usage`. */
export function sweptEncodings(args: Arguments): Encoding[] {
  const chosen = args.choices('encoders', encoders, sweptEncoders)
  const levels = args.list('levels')?.map(item => wholeNumber('levels', item, zstdLevels.least, zstdLevels.most))
  if (levels && !chosen.includes('zstd'))
    throw usage('--levels are those of zstd, which is not among --encoders.')
  return chosen.flatMap(encoder => encoder === 'zstd' && levels ? levels.map(level => encodingWith(encoder, { level })) : [encodingWith(encoder)])
}
