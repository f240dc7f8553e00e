// The packages on servers and in the pages that they render: Next.js and SvelteKit, with the README's
// plain imports, in a page, in a route of the server, while developing and in production.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { install, resultAt, resultInNode, withWorkers } from './project.mjs';

const vite = (port) => ['dev', '--host', '127.0.0.1', '--port', port, '--strictPort'];
const next = (command) => (port) => [command, '--hostname', '127.0.0.1', '--port', port];

/** For each way to run it: what to run first, and what serves. */
const TOOLS = {
  next: {
    'while developing': { serve: ['next', next('dev')] },
    'in production': { build: ['next', 'build'], serve: ['next', next('start')] },
    'in production, built by webpack': {
      build: ['next', 'build', '--webpack'],
      serve: ['next', next('start')],
    },
  },
  sveltekit: {
    'while developing': { serve: ['vite', vite] },
    'in production': { build: ['vite', 'build'], serve: ['node', () => ['build']] },
  },
};

for (const [tool, ways] of Object.entries(TOOLS)) {
  describe(`a server by ${tool}`, { concurrency: false }, () => {
    let project;
    let onServer;

    before(async () => {
      project = await install(tool);
      onServer = await resultInNode(project);
    });
    after(() => project?.remove());

    for (const [way, { build, serve }] of Object.entries(ways)) {
      it(`runs in a route and in the page, ${way}`, async () => {
        if (build) await project.run(...build);
        const server = await project.start(...serve);
        try {
          const answer = await fetch(`${server.url}api/play`);
          assert.deepEqual(await answer.json(), onServer);
          const wanted = { result: withWorkers(onServer), complaints: [] };
          assert.deepEqual(await resultAt(server.url), wanted);
        } finally {
          await server.stop();
        }
      });
    }
  });
}
