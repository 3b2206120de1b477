/** A display for a window: the one that is there, or a virtual one. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { hasDisplay } from '../../electron/shell/findElectron.ts'

export interface Display {
  env: NodeJS.ProcessEnv
  close: () => void
}

export function canDisplay(): boolean {
  return hasDisplay(process) || spawnSync('Xvfb', ['-help'], { stdio: 'ignore' }).error === undefined
}

export async function openDisplay(): Promise<Display> {
  if (hasDisplay(process))
    return { env: process.env, close: () => {} }
  const server = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(server.stdout, 'data') as [Buffer]
  return { env: { ...process.env, DISPLAY: `:${line.toString().trim()}` }, close: () => server.kill() }
}
