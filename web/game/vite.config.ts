import { version } from '@redoubt/engine';
import { defineConfig } from 'vite';
import { precache } from './src/offline/precache-plugin.ts';

/** The relay serves the built page itself; in development Vite serves it and asks the relay. */
const RELAY = process.env['REDOUBT_RELAY'] ?? 'http://127.0.0.1:8000';

/** What links and kept matches are made with: other rules or strategists play otherwise. */
const versions = `${version.rulesVersion}.${version.strategyVersion}`;

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [precache()],
  define: { __VERSIONS__: JSON.stringify(versions) },
  build: {
    target: 'es2022',
    // What index.html needs at once is named there; two lazy chunks need no preloading.
    modulePreload: {
      polyfill: false,
      resolveDependencies: (_file, chunks, { hostType }) => (hostType === 'html' ? chunks : []),
    },
    rolldownOptions: {
      optimization: { inlineConst: true },
      output: {
        // Kept apart: they change with the engine, not with the page, and few pages run workflows.
        codeSplitting: {
          groups: [
            { name: 'workflows', test: /wasm[\\/]dist[\\/]workflow/ },
            { name: 'models', test: /wasm[\\/]dist[\\/]models/ },
            { name: 'engine-client', test: /wasm[\\/]dist/ },
          ],
        },
      },
    },
    // Nothing inline: a strict CSP has no place for data: addresses.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 200,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  server: {
    port: 3000,
    proxy: {
      '/api': RELAY,
      '/healthz': RELAY,
      '/readyz': RELAY,
      '/v1': RELAY,
      '/ws': { target: RELAY, ws: true },
    },
  },
});
