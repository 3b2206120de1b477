/** Runs in the sandbox before the page, in a world of its own. See bridge.ts. */
import type { Page } from './bridge.ts'
import { ipcRenderer } from 'electron'
import { bridge } from './bridge.ts'

declare const window: Page

bridge(ipcRenderer, window)
