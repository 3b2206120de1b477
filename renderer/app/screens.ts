/** In the order of the rail; the keys 1 … 6 go to all but the last. */
export const screens = [
  { name: 'home', path: '/', icon: 'i-lucide-house' },
  { name: 'hosts', path: '/hosts', icon: 'i-lucide-server' },
  { name: 'memory', path: '/memory', icon: 'i-lucide-grid-3x3' },
  { name: 'race', path: '/race', icon: 'i-lucide-flag' },
  { name: 'autopilot', path: '/autopilot', icon: 'i-lucide-route' },
  { name: 'runs', path: '/runs', icon: 'i-lucide-library' },
  { name: 'settings', path: '/settings', icon: 'i-lucide-settings' },
] as const
/** Those that the keys 1, 2, … go to. */
export const keyedScreens = screens.filter(({ name }) => name !== 'settings')
export type ScreenName = typeof screens[number]['name']
