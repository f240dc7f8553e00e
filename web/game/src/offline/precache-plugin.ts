/**
 * Vite plugin: after the page is built, lists its files with their integrity and builds the service
 * worker with that list in it.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build } from 'rolldown';
import type { Plugin } from 'vite';
import {
  PRECACHE_BYTES_MAX,
  PRECACHE_FILES_MAX,
  type PrecacheFile,
  type PrecacheSet,
} from './precache.js';

export const SERVICE_WORKER = 'service-worker.js';
/** Made from other files, or only for developers. */
const LEFT_OUT = /\.(map|br|gz|zst)$/;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => path !== SERVICE_WORKER && !LEFT_OUT.test(path))
    .sort();
}

/** @throws Error where the set is larger than a page should keep. */
export async function listSet(folder: string): Promise<PrecacheSet> {
  const files: PrecacheFile[] = [];
  const whole = createHash('sha256');
  let bytes = 0;
  for (const path of await filesBelow(folder)) {
    const content = await readFile(join(folder, path));
    const digest = createHash('sha256').update(content).digest('base64');
    files.push({ url: path === 'index.html' ? '' : path, integrity: `sha256-${digest}` });
    whole.update(`${path}\n${digest}\n`);
    bytes += content.length;
  }
  if (files.length > PRECACHE_FILES_MAX || bytes > PRECACHE_BYTES_MAX) {
    throw new Error(
      `The page is ${files.length} files and ${bytes} bytes; the service worker keeps at most ` +
        `${PRECACHE_FILES_MAX} files and ${PRECACHE_BYTES_MAX} bytes.`,
    );
  }
  return { version: whole.digest('hex').slice(0, 16), files };
}

export function precache(): Plugin {
  let folder = '';
  return {
    name: 'redoubt-precache',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      async handler() {
        const set = await listSet(folder);
        await build({
          input: join(import.meta.dirname, 'service-worker.ts'),
          transform: { define: { PRECACHE_SET: JSON.stringify(set) } },
          output: { file: join(folder, SERVICE_WORKER), format: 'iife', minify: true },
        });
      },
    },
  };
}
