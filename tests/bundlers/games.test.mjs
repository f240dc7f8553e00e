// A match inside a game library's own loop, drawn by its means, from a page that Vite builds.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { install, resultInNode, resultOfFiles } from './project.mjs';

for (const library of ['phaser', 'pixi']) {
  describe(`a game with ${library}`, { concurrency: false }, () => {
    let project;
    before(async () => {
      project = await install(library);
    });
    after(() => project?.remove());

    it('plays a match as Node plays it', async () => {
      const { plain } = await resultInNode(project);
      await project.run('vite', 'build', '--base', './', '--logLevel', 'error');
      const found = await resultOfFiles(join(project.folder, 'dist'));
      assert.deepEqual(found, { result: { engine: plain.engine }, complaints: [] });
    });
  });
}
