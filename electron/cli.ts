#!/usr/bin/env node
/** The console's services without a screen. See cli/main.ts. */
import process from 'node:process'
import { runCli } from './cli/main.ts'
import { createServices } from './cli/services.ts'

const exitByInterrupt = 130
const interruptActions = new Set<() => void>()
let interrupted = false

/** The first Ctrl-C asks for an orderly end where there is one; the second does not wait for it. */
process.on('SIGINT', () => {
  if (interrupted || interruptActions.size === 0)
    process.exit(exitByInterrupt)
  interrupted = true
  for (const action of interruptActions)
    action()
})

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  createServices,
  onInterrupt: (action) => {
    interruptActions.add(action)
    return () => interruptActions.delete(action)
  },
})
