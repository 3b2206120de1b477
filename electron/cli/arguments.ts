/** A command's options: declared once, parsed strictly, read with their limits. Whatever does not fit throws `usage`. */
import { parseArgs } from 'node:util'
import { Me2Error } from '../../shared/errors.ts'

export interface OptionSpec {
  name: string
  /** What its value is called in the help; without it the option is a flag. */
  value?: string
  /** May be given several times. */
  multiple?: boolean
  help: string
}

export function usage(message: string, action = 'See --help.'): Me2Error {
  return new Me2Error('usage', message, action)
}

type Values = Record<string, string | boolean | (string | boolean)[] | undefined>

export class Arguments {
  private readonly values: Values
  readonly operands: readonly string[]

  private constructor(values: Values, operands: readonly string[]) {
    this.values = values
    this.operands = operands
  }

  static parse(argv: readonly string[], specs: readonly OptionSpec[]): Arguments {
    const options = Object.fromEntries(specs.map(({ name, value, multiple = false }) =>
      [name, { type: value === undefined ? 'boolean' as const : 'string' as const, multiple }]))
    try {
      const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
      return new Arguments(values, positionals)
    }
    catch (error) {
      throw usage((error as Error).message.split('. ', 1)[0]!)
    }
  }

  flag(name: string): boolean {
    return this.values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.values[name]
    return typeof value === 'string' ? value : undefined
  }

  texts(name: string): string[] {
    const value = this.values[name]
    return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    return pick(name, this.text(name) ?? fallback, choices)
  }

  /** Comma-separated, each at most once; undefined where it was not given. */
  list(name: string): string[] | undefined {
    const items = this.text(name)?.split(',')
    if (items && new Set(items).size !== items.length)
      throw usage(`--${name} names something twice.`)
    return items
  }

  /** Comma-separated, each at most once. */
  choices<Choice extends string>(name: string, choices: readonly Choice[], fallback: readonly Choice[]): Choice[] {
    return this.list(name)?.map(item => pick(name, item, choices)) ?? [...fallback]
  }

  /** A whole number within the limits; undefined where it was not given. */
  wholeNumber(name: string, minimum: number, maximum: number): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : wholeNumber(name, text, minimum, maximum)
  }
}

/** One item of an option. */
export function wholeNumber(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < minimum || value > maximum)
    throw usage(`--${name} takes a whole number from ${minimum} to ${maximum}.`)
  return value
}

function pick<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find(candidate => candidate === text)
  if (choice === undefined)
    throw usage(`--${name} takes ${choices.join(' or ')}, not "${text}".`)
  return choice
}
