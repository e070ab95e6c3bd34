import { svelte } from '@sveltejs/vite-plugin-svelte'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [svelte({ configFile: false }), vue()],
  server: { proxy: { '/v1': 'http://127.0.0.1:7070' } },
})
