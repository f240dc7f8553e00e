// The commands that the documents print, run as they are printed: in order, in one folder for each
// document, with the files that the document prints. Nothing but the ports and the providers'
// addresses is replaced.
//
// A ```yaml block whose first line is `# NAME.yaml` is that file. A command whose comment has
// "exit code 1" ends so. A command that serves runs until the next one that does. What builds or
// installs (tools/...) is left out.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start_mock } from './mock_upstream.mjs';
import { program } from './program.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = process.env.REDOUBT_CLI_BINARY ?? `${root}build/native-release/tools/cli/redoubt`;
let mock;
before(async () => {
  mock = await start_mock();
  const json = { 'content-type': 'application/json' };
  const models = [{ head: 200, headers: json }, { send: '{"object":"list","data":[]}' }];
  await mock.script([{ when: { path: '/v1/models' }, do: models }]);
});
after(() => mock.stop());

/** [{language, text}] of a document's fenced blocks. */
function blocks_of(document) {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, body]) => ({
    language,
    text: body,
  }));
}

/** The commands of a block of shell: continued lines and here-documents are one. */
function commands_of(text) {
  const commands = [];
  let open = null;
  let whole = '';
  for (const line of text.trimEnd().split('\n')) {
    whole += (whole && '\n') + line;
    open ??= /<<'(\w+)'/.exec(line)?.[1] ?? null;
    const quoted = (whole.match(/'/g)?.length ?? 0) % 2 === 1; // goes on in its next line
    if (open ? line === open : !line.endsWith('\\') && !quoted) {
      commands.push(whole);
      whole = '';
      open = null;
    }
  }
  return commands;
}

const serves = (text) => /(^| )redoubt-relay( |$)/.test(text) && !/--check-config|pidof/.test(text);

/** A script that runs the document's commands, and says which one does not end as it should. */
function script_of(document, port) {
  const lines = [];
  for (const { language, text } of blocks_of(document)) {
    const name = /^# (\S+\.yaml)\n/.exec(text)?.[1];
    if (language === 'yaml' && name)
      lines.push(`cat > ${name} <<'REDOUBT_FILE'\n${text}REDOUBT_FILE`);
    if (language !== 'sh') continue;
    for (const printed of commands_of(text)) {
      if (/^(\w+=\S+ )?tools\//.test(printed)) continue;
      const wanted = /#.*exit code 1/.test(printed) ? 1 : 0;
      const run = printed
        .replaceAll('build/native-release/relay/', '')
        .replaceAll('build/native-release/tools/cli/', '')
        .replaceAll(/(localhost|127\.0\.0\.1):8000/g, `127.0.0.1:${port}`);
      if (serves(run)) {
        lines.push(`stop; ${run.replace(/ *#.*$/, '')} > relay.log 2>&1 & RELAY=$!; up`);
        continue;
      }
      if (/:\d+\/?/.test(run) && /curl|--model http/.test(run)) lines.push('ensure');
      lines.push(run);
      lines.push(
        `ended $? ${wanted} ${JSON.stringify(printed.split('\n')[0]).replaceAll('$', '\\$').replaceAll('`', '\\`')}`,
      );
    }
  }
  return `
RELAY=
curl() { command curl --fail-with-body --silent --show-error "$@"; }
redoubt() { command redoubt "$@" <<< sk-of-the-document-0123456789; }
pidof() { echo "$RELAY"; }
up() {
  for i in $(seq 200); do
    command curl -sf 127.0.0.1:${port}/healthz > /dev/null && return
    kill -0 "$RELAY" 2> /dev/null || break
    sleep 0.05
  done
  echo "the relay does not serve:"; cat relay.log; exit 9
}
stop() { if [ -n "$RELAY" ]; then kill "$RELAY"; wait "$RELAY"; RELAY=; fi; }
ensure() {
  if [ -z "$RELAY" ]; then
    [ ! -e service.secret ] || export REDOUBT_TOKENS_SERVICE_SECRET_FILE=service.secret
    OPENAI_API_KEY=sk-of-the-document-0123456789 redoubt-relay > relay.log 2>&1 &
    RELAY=$!
    up
  fi
}
ended() { if [ "$1" != "$2" ]; then echo "exit code $1 instead of $2: $3"; stop; exit 9; fi; }
trap stop EXIT
${lines.join('\n')}
`;
}

async function free_port() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function run_document(document, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'redoubt-documents-'));
  try {
    symlinkSync(program, join(folder, 'redoubt-relay'));
    symlinkSync(command, join(folder, 'redoubt'));
    for (const name of ['relay', 'web']) symlinkSync(join(root, name), join(folder, name));
    const port = await free_port();
    writeFileSync(join(folder, 'commands.sh'), script_of(document, port));
    const child = spawn('bash', ['commands.sh'], {
      cwd: folder,
      env: {
        PATH: `${folder}:${process.env.PATH}`,
        REDOUBT_LISTENERS_0_PORT: String(port),
        REDOUBT_ADMIN_PORT: '0',
        OPENAI_BASE_URL: `${mock.url}/v1`,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => (said += text));
    const [code] = await once(child, 'close');
    return { code, said };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const [document, env] of [
  ['README.md'],
  ['docs/workflows.md'],
  [
    'docs/models.md',
    () => ({
      OPENAI_API_KEY: 'sk-oai',
      ANTHROPIC_API_KEY: 'sk-ant',
      ANTHROPIC_BASE_URL: mock.url,
    }),
  ],
  [
    'docs/security.md',
    () => ({ REDOUBT_PROVIDERS_0_NAME: 'openai', REDOUBT_PROVIDERS_0_BASE_URL: `${mock.url}/v1` }),
  ],
])
  test(`the commands of ${document} run as printed`, async () => {
    const { code, said } = await run_document(document, env?.());
    assert.equal(code, 0, said);
  });
