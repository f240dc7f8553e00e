// tools/run, on a tree of its own with a stand-in for the relay that prints what it was given.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const tools = fileURLToPath(new URL('../../tools', import.meta.url));
const tree = mkdtempSync(join(tmpdir(), 'redoubt-run-'));
after(() => rmSync(tree, { recursive: true }));

const write = (path, text, mode = 0o644) => {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
};
mkdirSync(join(tree, 'tools'));
for (const name of ['run', 'did-you-mean']) cpSync(join(tools, name), join(tree, 'tools', name));
write('build/native-release/relay/redoubt-relay', '#!/bin/sh\necho "args: $*"\nenv\n', 0o755);
write('web/game/dist/index.html', '');

const run = (args, env = {}) => {
  const { status, stdout, stderr } = spawnSync('tools/run', ['--no-build', ...args], {
    cwd: tree,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

test('a .env is read as docker compose reads it, and what is not read is named without its value', () => {
  write(
    '.env',
    [
      '# keys',
      'PLAIN=sk-plain',
      'export EXPORTED=sk-exported',
      'SPACED = sk-spaced   # of the second account',
      'DOUBLE="in double quotes" # and a comment',
      "SINGLE='a # in single quotes'",
      'HASH=sk-with#hash',
      'EMPTY=',
      'WINDOWS=sk-windows\r',
      'ALREADY=not this',
      'sk-secret-without-a-name',
      'OPEN="sk-secret-open',
      'BAD-NAME=sk-secret-bad',
      'LAST=sk-last',
    ].join('\n'),
  );
  const { status, stdout, stderr } = run([], { ALREADY: 'set' });
  assert.equal(status, 0, stderr);
  const given = Object.fromEntries(
    stdout
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const wanted = {
    PLAIN: 'sk-plain',
    EXPORTED: 'sk-exported',
    SPACED: 'sk-spaced',
    DOUBLE: 'in double quotes',
    SINGLE: 'a # in single quotes',
    HASH: 'sk-with#hash',
    EMPTY: '',
    WINDOWS: 'sk-windows',
    ALREADY: 'set',
    LAST: 'sk-last',
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(given[name], value, name);
  assert.deepEqual(stderr.trim().split('\n'), [
    'tools/run: .env:11 is not read: expected NAME=VALUE',
    "tools/run: .env:12 is not read: the quote that opens OPEN's value is not closed",
    'tools/run: .env:13 is not read: expected NAME=VALUE',
  ]);
  rmSync(join(tree, '.env'));
});

test('options come with a space or an equals sign; others are refused with the nearest', () => {
  for (const args of [
    ['--port', '8123', '--host', '::1'],
    ['--port=8123', '--host=::1'],
  ])
    assert.match(run(args).stdout, /^args: --host ::1 --port 8123 --www web\/game\/dist\n/);
  assert.match(run(['--', '--config', 'x.yaml']).stdout, /--www web\/game\/dist --config x\.yaml/);
  const refused = run(['--prot=1']);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /unknown option --prot; did you mean --port\?/);
  const help = run(['--help']);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /A line that cannot be read is told/);
});

test('the page is built when something of it has changed, and its sizes are for who works on it', () => {
  for (const name of ['build', 'ccache.env']) cpSync(join(tools, name), join(tree, 'tools', name));
  write('tools/setup', '#!/bin/sh\n', 0o755);
  // Stand-ins for what builds: a package's build writes its dist and tells its size.
  for (const name of ['cmake', 'ninja']) write(`node_modules/.bin/${name}`, '#!/bin/sh\n', 0o755);
  write(
    'node_modules/.bin/node',
    `#!/bin/sh
case "$*" in *--run*) ;; *) exec ${process.execPath} "$@" ;; esac
mkdir -p dist
echo made > dist/index.js
echo made > dist/index.html
echo "size: $(basename "$PWD") 1 KB, over budget"
echo "$(basename "$PWD")" >> ${tree}/built
`,
    0o755,
  );
  for (const name of ['engine', 'wasm', 'web/client', 'web/game']) write(`${name}/source`, 'one');
  for (const name of ['package.json', 'package-lock.json', 'CMakeLists.txt', 'cmake/a', 'built'])
    write(name, '');
  const sources = ['engine/source', 'wasm/source', 'web/client/source', 'web/game/source'];
  const old = new Date(Date.now() - 60_000);
  const age = () => {
    for (const path of [...sources, 'engine', 'wasm', 'web/client', 'web/game', 'cmake', 'cmake/a'])
      utimesSync(join(tree, path), old, old);
    for (const path of ['package.json', 'package-lock.json', 'CMakeLists.txt'])
      utimesSync(join(tree, path), old, old);
  };
  const built = () => {
    const { status, stdout, stderr } = spawnSync('tools/run', [], {
      cwd: tree,
      env: { PATH: process.env.PATH },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.ok(!stdout.includes('size:'), stdout);
    const made = readFileSync(join(tree, 'built'), 'utf8').split('\n').filter(Boolean);
    write('built', '');
    return made;
  };
  const all = ['wasm', 'client', 'game'];
  rmSync(join(tree, 'web/game/dist'), { recursive: true });
  age();
  assert.deepEqual(built(), all);
  age();
  assert.deepEqual(built(), []);
  for (const source of sources) {
    const soon = new Date(Date.now() + 60_000);
    utimesSync(join(tree, source), soon, soon);
    assert.deepEqual(built(), all, source);
    age();
  }
  rmSync(join(tree, 'wasm/dist'), { recursive: true });
  age();
  assert.deepEqual(built(), all);
});
