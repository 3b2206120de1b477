/** Where the console keeps what is the user's, and where its own parts lie. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** The clone. */
export const root = join(import.meta.dirname, '..')

/** The agent, the lab, the recordings. A packaged app has them elsewhere (electron/shell). */
export const resourcesFolder = join(root, 'resources')

/** The built renderer. */
export const rendererFolder = join(root, 'dist', 'renderer')

/** Runs, own hosts, known host keys. ME2_DATA_DIR puts it elsewhere, for tests. */
export function dataFolder(): string {
  const { ME2_DATA_DIR: chosen = '', XDG_DATA_HOME: data = '' } = process.env
  if (chosen !== '')
    return chosen
  return join(data === '' ? join(homedir(), '.local', 'share') : data, 'me2-lab-console')
}

export function consoleVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return version
}
