/**
 * The command line: finds the command, runs it, prints its one answer. With --json that is exactly one document on
 * stdout, an error included; progress is always on stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
import type { Problem } from '../../shared/errors.ts'
import type { OptionSpec } from './arguments.ts'
import type { Command, Services } from './command.ts'
import type { TextStream } from './terminal.ts'
import { sentences } from '../../shared/model/format.ts'
import { asProblem } from '../services/migration/problems.ts'
import { Arguments, usage } from './arguments.ts'
import { agentCommands } from './commands/agent.ts'
import { autopilotCommands } from './commands/autopilot.ts'
import { diskCommands } from './commands/disk.ts'
import { hostsCommands } from './commands/hosts.ts'
import { labCommands } from './commands/lab.ts'
import { mapCommand } from './commands/map.ts'
import { raceCommand } from './commands/race.ts'
import { runsCommands } from './commands/runs.ts'
import { commandHelp, overview } from './help.ts'
import { Terminal } from './terminal.ts'

export interface Environment {
  stdout: TextStream
  stderr: TextStream
  createServices: (options: { acceptNew: boolean, terminal: Terminal }) => Services
  /** Registers what Ctrl-C does; the answer takes it back. */
  onInterrupt: (action: () => void) => () => void
}

const commands: readonly Command[] = [
  ...labCommands, ...hostsCommands, mapCommand, ...diskCommands, raceCommand, ...runsCommands, ...autopilotCommands, ...agentCommands,
]

const common: readonly OptionSpec[] = [
  { name: 'json', help: 'print one JSON document on stdout and nothing else there' },
  { name: 'accept-new', help: 'accept the key of a host that is not known yet; a changed key always stops' },
  { name: 'help', help: 'tell about the command' },
]

function findCommand(argv: readonly string[]): Command {
  const command = commands.find(({ path }) => path.every((word, index) => argv[index] === word))
  if (!command)
    throw usage(argv.length === 0 ? 'Which command?' : `There is no command ${argv.slice(0, 2).join(' ')}.`)
  return command
}

function parse(command: Command, argv: readonly string[]): Arguments {
  const args = Arguments.parse(argv.slice(command.path.length), [...command.options, ...common])
  const spare = args.operands.length - command.operands.length
  if (!args.flag('help') && spare !== 0 && !(spare === 1 && command.optionalOperand !== undefined))
    throw usage(command.operands.length === 0 ? `${command.path.join(' ')} takes options only.` : `${command.path.join(' ')} takes ${command.operands.join(' and ')}.`)
  return args
}

async function answer(argv: readonly string[], json: boolean, environment: Environment): Promise<number> {
  const command = findCommand(argv)
  const args = parse(command, argv)
  if (args.flag('help')) {
    environment.stdout.write(`${commandHelp(command, common)}\n`)
    return 0
  }
  const terminal = new Terminal(environment.stderr)
  const services = environment.createServices({ acceptNew: args.flag('accept-new'), terminal })
  const output = await command.run({ services, terminal, onInterrupt: environment.onInterrupt }, args)
  terminal.clear()
  environment.stdout.write(json ? `${JSON.stringify(output.json, null, 2)}\n` : `${output.text}\n`)
  return output.failed ? 1 : 0
}

function describe({ code, message, action }: Problem): string {
  return sentences(message, action) + (code === 'usage' ? '' : ` (${code})`)
}

/** Resolves with the exit code; never rejects. */
export async function runCli(argv: readonly string[], environment: Environment): Promise<number> {
  const json = argv.includes('--json')
  if (argv.length === 1 && ['--help', '-h', 'help'].includes(argv[0]!)) {
    environment.stdout.write(`${overview(commands, common)}\n`)
    return 0
  }
  try {
    return await answer(argv, json, environment)
  }
  catch (error) {
    const problem = asProblem(error)
    if (problem.code === 'internal' && error instanceof Error)
      environment.stderr.write(`${error.stack}\n`)
    if (json)
      environment.stdout.write(`${JSON.stringify({ error: problem }, null, 2)}\n`)
    else
      environment.stderr.write(`${describe(problem)}\n`)
    return problem.code === 'usage' ? 2 : 1
  }
}
