import type { OptionSpec } from './arguments.ts'
import type { Command } from './command.ts'
import { formatTable } from './table.ts'

const program = 'npm run -s me2 --'

function optionName({ name, value }: OptionSpec): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`
}

function callOf({ path, operands, optionalOperand }: Command): string {
  return [...path, ...operands, ...optionalOperand === undefined ? [] : [`[${optionalOperand}]`]].join(' ')
}

export function commandHelp(command: Command, common: readonly OptionSpec[]): string {
  const table = (options: readonly OptionSpec[]): string =>
    formatTable(options.map(option => [`  ${optionName(option)}`, option.help]), ['left', 'left'])
  return [
    `${program} ${callOf(command)} [options]`, '', command.summary, '', 'Options:', table([...command.options, ...common]),
  ].join('\n')
}

export function overview(commands: readonly Command[], common: readonly OptionSpec[]): string {
  return [
    `${program} COMMAND [options]`,
    '',
    'Races stock Xen live migration against ME2, in the boxed lab on this machine or on hosts of your own.',
    '',
    'Commands:',
    formatTable(commands.map(command => [`  ${callOf(command)}`, command.summary.split('\n', 1)[0]!]), ['left', 'left']),
    '',
    'Options of every command:',
    formatTable(common.map(option => [`  ${optionName(option)}`, option.help]), ['left', 'left']),
  ].join('\n')
}
