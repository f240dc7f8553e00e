import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listSet } from '../../../web/game/src/offline/precache-plugin.js';
import {
  cacheName,
  type PrecacheSet,
  route,
  staleCaches,
} from '../../../web/game/src/offline/precache.js';

const SCOPE = 'https://game.test/';
const SET: PrecacheSet = {
  version: 'aa',
  files: ['', 'assets/app-1.js', 'manifest.webmanifest'].map((url) => ({
    url,
    integrity: 'sha256-x',
  })),
};
const get = (path: string, mode = 'cors') =>
  route(SET, SCOPE, { url: new URL(path, SCOPE).href, method: 'GET', mode });

describe('precache routes', () => {
  it('serves the page for its own address, whatever the query', () => {
    expect(get('/', 'navigate')).toEqual({ kind: 'set', url: '' });
    expect(get('/index.html?x=1#v=1', 'navigate')).toEqual({ kind: 'set', url: '' });
  });

  it('serves the files of its set', () => {
    expect(get('/assets/app-1.js')).toEqual({ kind: 'set', url: 'assets/app-1.js' });
    expect(get('/manifest.webmanifest')).toEqual({ kind: 'set', url: 'manifest.webmanifest' });
  });

  it('looks for lazy files of the set before', () => {
    expect(get('/assets/chart-0.js')).toEqual({ kind: 'any_set' });
  });

  it.each([
    '/api/team-strategy',
    '/api/agents',
    '/ws/client_1234567',
    '/healthz',
    '/metrics',
    '/docs',
    '/service-worker.js',
    'https://elsewhere.test/assets/app-1.js',
    'https://game.test.evil/assets/app-1.js',
  ])('never touches %s', (path) => {
    expect(get(path)).toEqual({ kind: 'network' });
    expect(get(path, 'navigate')).toEqual({ kind: 'network' });
  });

  it('never touches what is not a GET', () => {
    for (const method of ['POST', 'HEAD', 'PUT', 'DELETE']) {
      expect(route(SET, SCOPE, { url: SCOPE, method, mode: 'cors' })).toEqual({ kind: 'network' });
    }
  });

  it('works below a folder', () => {
    const below = `${SCOPE}play/`;
    const asked = { url: `${below}assets/app-1.js`, method: 'GET', mode: 'cors' };
    expect(route(SET, below, asked)).toEqual({ kind: 'set', url: 'assets/app-1.js' });
    expect(route(SET, below, { ...asked, url: `${SCOPE}assets/app-1.js` }).kind).toBe('network');
  });
});

describe('precache sets', () => {
  it('keeps the present set and the one before, and what is not ours', () => {
    const present = cacheName(SET);
    const names = ['redoubt-set-1', 'other', 'redoubt-set-2', present];
    expect(staleCaches(names, present)).toEqual(['redoubt-set-1']);
    expect(staleCaches([present], present)).toEqual([]);
  });

  it('lists every file that the page needs, and a new version with any change', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'precache-'));
    try {
      await mkdir(join(folder, 'assets'));
      for (const [name, text] of [
        ['index.html', '<!doctype html>'],
        ['assets/app-1.js', 'let a'],
        ['assets/app-1.js.br', 'x'],
        ['assets/app-1.js.map', '{}'],
        ['service-worker.js', ''],
      ] as const) {
        await writeFile(join(folder, name), text);
      }
      const first = await listSet(folder);
      expect(first.files.map((file) => file.url)).toEqual(['assets/app-1.js', '']);
      // Of `let a`, by `openssl dgst -sha256 -binary | base64`.
      expect(first.files[0]?.integrity).toBe('sha256-IfEXP/8HLuXoAiy0hZVrCAcjcLsZqYFpLOHDGj8enqE=');
      expect((await listSet(folder)).version).toBe(first.version);
      await writeFile(join(folder, 'assets/app-1.js'), 'let b');
      expect((await listSet(folder)).version).not.toBe(first.version);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a page that is too large to keep', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'precache-'));
    try {
      await writeFile(join(folder, 'huge.bin'), new Uint8Array(4_000_001));
      await expect(listSet(folder)).rejects.toThrow('at most');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
