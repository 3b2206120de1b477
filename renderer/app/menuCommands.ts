/** What Electron's menu asks of the page; in a browser nobody does. */
import type { MenuCommand } from '../../shared/contract/shellMessages.ts'
import { useEventListener } from '@vueuse/core'
import { commandMessage, menuCommands } from '../../shared/contract/shellMessages.ts'

function commandOf(data: unknown): MenuCommand | null {
  if (typeof data !== 'object' || data === null || !('type' in data) || data.type !== commandMessage || !('command' in data))
    return null
  return menuCommands.find(command => command === data.command) ?? null
}

/** For the life of the component it is called in. Only this window's own preload is listened to. */
export function onMenuCommand(act: (command: MenuCommand) => void): void {
  useEventListener(window, 'message', ({ source, data }: MessageEvent<unknown>) => {
    const command = source === window ? commandOf(data) : null
    if (command !== null)
      act(command)
  })
}
