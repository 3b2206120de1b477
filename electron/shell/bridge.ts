/**
 * The preload's work. The page asks for its port once it listens; the port is posted to the page's own window, because
 * a port cannot go through a context bridge. Nothing of Electron's is given to the page.
 */
import { commandChannel, commandMessage, portChannel, portMessage, portWantedMessage } from '../../shared/contract/shellMessages.ts'

/** As much of the page's window as is used. */
export interface Page {
  readonly location: { readonly origin: string }
  addEventListener: (type: 'message', listener: (event: { data: unknown, source: unknown, origin: string }) => void) => void
  postMessage: (message: unknown, targetOrigin: string, transfer?: never[]) => void
}

/** As much of Electron's ipcRenderer as is used. */
export interface Process {
  send: (channel: string) => void
  on: (channel: string, listener: (event: { ports: readonly unknown[] }, ...values: unknown[]) => void) => unknown
}

export function bridge(process: Process, page: Page): void {
  const { origin } = page.location
  page.addEventListener('message', (event) => {
    if (event.source === page && event.origin === origin && event.data === portWantedMessage)
      process.send(portChannel)
  })
  process.on(portChannel, ({ ports }) => page.postMessage(portMessage, origin, [...ports] as never[]))
  process.on(commandChannel, (_event, command) => page.postMessage({ type: commandMessage, command }, origin))
}
