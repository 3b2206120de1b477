/** The only place where arguments become shell text. */
import { Me2Error } from '../../../shared/errors.ts'

/**
 * The command line that makes a POSIX shell run exactly `argv`.
 * Every word is quoted, so that none can be a keyword, an alias, an assignment or a pattern.
 *
 * @throws Me2Error `usage` for an empty argv or a NUL byte, which no command line can carry.
 */
export function quoteArgv(argv: readonly string[]): string {
  if (argv.length === 0 || argv.some(word => word.includes('\0')))
    throw new Me2Error('usage', 'A command needs at least one word and cannot contain a NUL byte.')
  return argv.map(word => `'${word.replaceAll('\'', `'\\''`)}'`).join(' ')
}
