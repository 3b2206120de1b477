/** Ends the lab that the tests used, unless it ran before them. */
import { lab } from './boxedLab.ts'

export default async function setup(): Promise<() => Promise<void>> {
  const before = await lab.status()
  return async () => {
    if (before.state !== 'running')
      await lab.down()
  }
}
