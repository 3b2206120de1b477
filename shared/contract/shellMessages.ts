/** What the process, the preload and the page say to each other before there is a port, and what a menu says to the page. */

/** From the preload to the process, and back with a port. */
export const portChannel = 'me2-port'
/** From the process to the preload, with one of `menuCommands`. */
export const commandChannel = 'me2-command'

/** From the page to its preload: it listens, so the port may come. */
export const portWantedMessage = 'me2-port-wanted'
/** From the preload to the page, with the port. */
export const portMessage = 'me2-port'
/** From the preload to the page: `{ type: commandMessage, command }`. */
export const commandMessage = 'me2-command'

/** What a menu item asks the page to do. */
export const menuCommands = ['home', 'hosts', 'memory', 'race', 'runs', 'settings', 'import', 'present', 'palette', 'keys'] as const
export type MenuCommand = typeof menuCommands[number]
