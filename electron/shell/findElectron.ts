/**
 * Whether the console can open in Electron here. The package is only looked at, never required: it would start to
 * download its executable. Runs in plain Node.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The executable that the package electron has fetched; null where it has not. `root` holds node_modules. */
export function findElectron(root: string): string | null {
  const folder = join(root, 'node_modules', 'electron')
  try {
    const executable = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim())
    return existsSync(executable) ? executable : null
  }
  catch {
    return null
  }
}

export interface Surroundings {
  platform: NodeJS.Platform
  env: NodeJS.ProcessEnv
  /** Undefined: the system has no such thing. */
  uid: number | undefined
}

export function hasDisplay({ platform, env }: Pick<Surroundings, 'platform' | 'env'>): boolean {
  return platform === 'win32' || platform === 'darwin' || Boolean(env.WAYLAND_DISPLAY) || Boolean(env.DISPLAY)
}

export type DesktopChoice = { executable: string } | { reason: string }

/** The executable, to be started with `root` as its argument; or in words why the console is served to a browser. */
export function chooseDesktop(root: string, surroundings: Surroundings): DesktopChoice {
  const executable = findElectron(root)
  if (executable === null)
    return { reason: 'Electron\'s executable is not here' }
  if (!hasDisplay(surroundings))
    return { reason: 'there is no display' }
  if (surroundings.platform === 'linux' && surroundings.uid === 0)
    return { reason: 'for root Electron runs only without its sandbox' }
  return { executable }
}
