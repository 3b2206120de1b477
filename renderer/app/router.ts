/** The screens. The address after # names one, so that a reload and a link keep the place. */
import { createRouter, createWebHashHistory } from 'vue-router'

/** In the order of the rail; the keys 1 … 5 go to the first five. */
export const screens = [
  { name: 'home', path: '/', icon: 'i-lucide-house' },
  { name: 'hosts', path: '/hosts', icon: 'i-lucide-server' },
  { name: 'memory', path: '/memory', icon: 'i-lucide-grid-3x3' },
  { name: 'race', path: '/race', icon: 'i-lucide-flag' },
  { name: 'runs', path: '/runs', icon: 'i-lucide-library' },
  { name: 'settings', path: '/settings', icon: 'i-lucide-settings' },
] as const
export type ScreenName = typeof screens[number]['name']

const views = {
  home: async () => import('../features/home/HomeScreen.vue'),
  hosts: async () => import('../features/hosts/HostsScreen.vue'),
  memory: async () => import('../features/memory/MemoryScreen.vue'),
  race: async () => import('../features/race/RaceScreen.vue'),
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
