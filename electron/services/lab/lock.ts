/**
 * One change of the lab at a time, whoever makes it. The kernel holds the lock (flock in a helper process whose standard
 * input is ours), so it is gone when we are, however we end.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { Me2Error } from '../../../shared/errors.ts'
import { toolEnvironment } from './tools.ts'

const conflictExitCode = 75

/** Throws `lab-busy`, with the other's process number, at once if somebody else is at it. */
async function takeLock(path: string): Promise<() => Promise<void>> {
  const args = ['--nonblock', '--conflict-exit-code', `${conflictExitCode}`, path, 'sh', '-c', 'echo locked; exec cat >/dev/null']
  const holder = spawn('flock', args, { stdio: ['pipe', 'pipe', 'inherit'], env: toolEnvironment() })
  const ended = once(holder, 'exit')
  const answer = await Promise.race([once(holder.stdout, 'data').then(() => 'locked' as const), ended])
  if (answer !== 'locked') {
    if (answer[0] !== conflictExitCode)
      throw new Error(`flock ended with ${answer[0]}`)
    const other = (await readFile(path, 'utf8')).slice(0, 20).trim()
    throw new Me2Error('lab-busy', `Another process (${other || 'unknown'}) is starting or stopping the boxed lab.`, 'Wait until it has finished.')
  }
  await writeFile(path, `${process.pid}\n`)
  return async () => {
    holder.stdin.end()
    await ended
  }
}

export async function withLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  const release = await takeLock(path)
  try {
    return await action()
  }
  finally {
    await release()
  }
}
