import { defineConfig } from 'vite';
import { precache } from '../../../web/game/src/offline/precache-plugin.js';

export default defineConfig({
  root: import.meta.dirname,
  logLevel: 'error',
  base: './',
  define: { VERSION: JSON.stringify(process.env['FIXTURE_VERSION']) },
  build: {
    outDir: process.env['FIXTURE_OUT'] ?? 'dist',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
  },
  plugins: [precache()],
});
