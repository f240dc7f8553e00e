// Holds the relay's answers against what /openapi.json declares of them: status, media type, schema;
// and what it took, by an answer of 2xx, against what it says it takes.
import { Validator } from '@cfworker/json-schema';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const faults_shown_max = 5;
const json_type = 'application/json';

/** The description that a relay of this program serves; from one of its own, which nobody counts. */
async function served_document(program) {
  const child = spawn(program, ['--port', '0'], {
    env: { PATH: process.env.PATH, REDOUBT_ADMIN_ENABLED: 'false', REDOUBT_STORE_PATH: ':memory:' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text);
      if (line.event === 'listening') return await (await fetch(`${line.url}/openapi.json`)).json();
    }
    throw new Error(`${program} ended before it listened`);
  } finally {
    child.kill('SIGKILL');
  }
}

const segments_of = (path) => path.split('/').slice(1);
const is_parameter = (segment) => segment.startsWith('{');

/** The path of the document that a request's path is one of; of two the one with fewer parameters. */
function path_of(document, asked) {
  const segments = segments_of(asked);
  const fits = (pattern) => {
    const wanted = segments_of(pattern);
    return (
      wanted.length === segments.length &&
      wanted.every((each, i) => (is_parameter(each) ? segments[i] !== '' : each === segments[i]))
    );
  };
  const parameters = (pattern) => segments_of(pattern).filter(is_parameter).length;
  return Object.keys(document.paths)
    .filter(fits)
    .sort((a, b) => parameters(a) - parameters(b))[0];
}

const resolve = (document, value) =>
  value?.$ref
    ? value.$ref
        .slice(2)
        .split('/')
        .reduce((at, step) => at[step], document)
    : value;

function schema_faults(document, schema, value) {
  const whole = { ...schema, components: { schemas: document.components.schemas } };
  const { errors } = new Validator(whole, '2020-12', false).validate(value);
  return errors
    .slice(-faults_shown_max)
    .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

/** Of a body that was taken: what its operation does not declare. */
function untold(document, { requestBody }, { status, body, body_type = json_type }) {
  const schema = requestBody?.content?.[json_type]?.schema;
  if (!schema || status >= 300 || !body?.length || body_type !== json_type) return [];
  return schema_faults(document, schema, JSON.parse(body)).map((fault) => `its body ${fault}`);
}

/** What an answer is that its operation does not declare; nothing where it is as declared. */
export function undeclared(document, answer) {
  const { method, path, status, type, text } = answer;
  const place = path_of(document, path.split('?')[0]);
  const operation = document.paths[place]?.[method.toLowerCase()];
  if (!operation) return [];
  const { responses } = operation;
  const taken = untold(document, operation, answer);
  if (taken.length > 0) return taken;
  if (!responses[status] && status < 400) return [`the status ${status} is not declared`];
  const declared = resolve(document, responses[status] ?? responses.default);
  if (!declared.content || text === '') return [];
  const media = declared.content[type];
  if (!media) return [`the type ${type} of ${status} is not declared`];
  if (!/[/+]json$/.test(type)) return [];
  return schema_faults(document, media.schema, JSON.parse(text));
}

let document;

/** @throws Error where a relay's answer is not one that /openapi.json declares. */
export async function check_declared(program, answer) {
  document ??= served_document(program);
  const faults = undeclared(await document, answer);
  if (faults.length === 0) return;
  const { method, path, status, text } = answer;
  throw new Error(
    `${method} ${path} answered ${status} otherwise than /openapi.json declares:\n` +
      `${faults.join('\n')}\n${text.slice(0, 400)}`,
  );
}
