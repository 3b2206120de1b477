import ui from '@nuxt/ui/vue-plugin'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { startConnection } from './connection.ts'
import { i18n } from './i18n.ts'
import { router } from './router.ts'
import './theme.css'

startConnection()
createApp(App).use(createPinia()).use(router).use(i18n).use(ui).mount('#app')
