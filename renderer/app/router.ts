/** The screens. The address after # names one, so that a reload and a link keep the place. */
import type { ScreenName } from './screens.ts'
import { createRouter, createWebHashHistory } from 'vue-router'
import { screens } from './screens.ts'

const views = {
  home: async () => import('../features/home/HomeScreen.vue'),
  hosts: async () => import('../features/hosts/HostsScreen.vue'),
  memory: async () => import('../features/memory/MemoryScreen.vue'),
  race: async () => import('../features/race/RaceScreen.vue'),
  autopilot: async () => import('../features/autopilot/AutopilotScreen.vue'),
  runs: async () => import('../features/runs/RunsScreen.vue'),
  settings: async () => import('../features/settings/SettingsScreen.vue'),
} satisfies Record<ScreenName, () => Promise<unknown>>

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    ...screens.map(({ name, path }) => ({ name, path, component: views[name] })),
    { path: '/:unknown(.*)*', redirect: '/' },
  ],
})
