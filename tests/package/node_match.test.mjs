// The example node-match from the packed tarball: a bot of one's own plays, wins where it should, and
// the replay that it leaves plays back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { installExample } from './example.mjs';

const run = promisify(execFile);

describe('the example node-match', () => {
  let folder;
  before(async () => {
    folder = await installExample('node-match');
    // npm's own file has no "type".
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const play = async (...args) => {
    const { stdout } = await run(process.execPath, ['match.js', ...args], { cwd: folder });
    return stdout;
  };

  it('plays to an end that a second run repeats, and the bot beats the random player', async () => {
    const said = await play('random', '7');
    assert.match(said, /^the bot wins by \w+ at tick \d+; state [0-9a-f]{16}$/m);
    assert.equal(await play('random', '7'), said);
  });

  it('leaves a replay that plays back to the same state', async () => {
    const state = /state ([0-9a-f]{16})/.exec(await play('agentarena', '3'))[1];
    await writeFile(
      join(folder, 'verify.js'),
      `import { readFile } from 'node:fs/promises';
       import { openReplay } from '@redoubt/engine';
       const replay = await openReplay(await readFile('match.replay'));
       replay.seek(replay.finalTick);
       console.log(JSON.stringify({ ...replay.verify(), hash: replay.hash() }));`,
    );
    const { stdout } = await run(process.execPath, ['verify.js'], { cwd: folder });
    const verdict = JSON.parse(stdout);
    assert.equal(verdict.same, true);
    assert.equal(verdict.hash, state);
    assert.ok((await readFile(join(folder, 'match.replay'))).length > 1000);
  });
});
