// Where the package looks for its files, in tools that move its scripts or have URLs of their own.
import { describe, expect, it } from 'vitest';
import { movedScript, ownFile } from '../../wasm/src/own_file.js';

describe('a file beside the script', () => {
  it('is beside it, in the very object that the tool gave', () => {
    // As Next.js makes them: their href is a path.
    const url = { href: '/_next/static/media/engine-core.wasm' } as URL;
    expect(ownFile(url)).toBe(url);
    expect(movedScript('engine-worker.js', url)).toBeUndefined();
  });

  it('is in the package where Vite has moved the script', () => {
    const url = new URL('http://localhost:5173/base/node_modules/.vite/deps/engine-core.wasm?v=1');
    const own = 'http://localhost:5173/base/node_modules/@redoubt/engine/dist/';
    expect(ownFile(url).href).toBe(`${own}engine-core.wasm?v=1`);
    expect(movedScript('engine-worker.js', url)?.href).toBe(`${own}engine-worker.js`);
  });
});
