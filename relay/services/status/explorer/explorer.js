// The API's explorer: draws /openapi.json and sends what the reader edits. No library, no inline
// script, nothing from another host: it works under the relay's own content policy.

const document_url = '/openapi.json';

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/** The schema behind a $ref; other schemas as they are. */
function resolve(api, schema) {
  if (!schema?.$ref) return schema;
  return schema.$ref
    .slice(2)
    .split('/')
    .reduce((at, step) => at[step], api);
}

/** A schema as indented text that a person reads: one line a member. */
function describe(api, schema, depth = 0) {
  const depth_max = 6;
  const found = resolve(api, schema) ?? {};
  const indent = '  '.repeat(depth + 1);
  if (depth > depth_max) return '...';
  if (found.allOf) return found.allOf.map((part) => describe(api, part, depth)).join('\n');
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (found.type === 'array') {
    const inner = resolve(api, found.items);
    const lead = inner?.properties || inner?.allOf ? '\n' : ' ';
    return `list of${lead}${describe(api, found.items, depth)}`;
  }
  if (found.type === 'object' && found.properties) {
    return Object.entries(found.properties)
      .map(([name, member]) => {
        const optional = found.required?.includes(name) ? '' : '?';
        const inner = resolve(api, member);
        const lead = inner?.properties || inner?.allOf ? '\n' : ' ';
        const note = member.description ?? inner?.description;
        const text = describe(api, member, depth + 1);
        return `${indent}${name}${optional}:${lead}${text}${note ? `  -- ${note}` : ''}`;
      })
      .join('\n');
  }
  if (found.additionalProperties) {
    const inner = resolve(api, found.additionalProperties);
    const text = describe(api, found.additionalProperties, depth + 1);
    const lead = inner?.properties ? '\n' : ' ';
    return `object by name of${lead}${text}`;
  }
  const range = [
    found.minimum !== undefined ? `from ${found.minimum}` : '',
    found.maximum !== undefined ? `to ${found.maximum}` : '',
  ];
  return [[found.type ?? 'anything'].flat().join(' or '), ...range].filter(Boolean).join(' ');
}

function schema_block(api, title, content) {
  const [type, body] = Object.entries(content ?? {})[0] ?? [];
  if (!body?.schema) return '';
  return element(
    'div',
    {},
    element('p', { className: 'meta', textContent: `${title} (${type})` }),
    element('pre', { textContent: describe(api, body.schema) }),
  );
}

async function send(method, path, body, out, status) {
  status.textContent = 'Waiting...';
  status.className = 'meta';
  const started = performance.now();
  try {
    const response = await fetch(path, {
      method,
      headers: body === null ? {} : { 'Content-Type': 'application/json' },
      body,
    });
    const text = await response.text();
    const took_ms = Math.round(performance.now() - started);
    status.textContent = `${response.status} in ${took_ms} ms`;
    status.className = response.ok ? 'ok' : 'bad';
    try {
      out.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      out.textContent = text;
    }
  } catch (error) {
    status.textContent = `No answer: ${error.message}`;
    status.className = 'bad';
  }
  out.hidden = false;
}

function try_it(method, path, operation) {
  const content = operation.requestBody?.content?.['application/json'];
  const example = Object.values(content?.examples ?? {})[0]?.value;
  const body = content
    ? element('textarea', {
        rows: 14,
        spellcheck: false,
        value: JSON.stringify(example ?? {}, null, 2),
        ariaLabel: 'Request body',
      })
    : null;
  const status = element('span', { className: 'meta', role: 'status' });
  const out = element('pre', { hidden: true });
  const button = element('button', {
    textContent: 'Send',
    onclick: () => send(method, path, body?.value ?? null, out, status),
  });
  return element('div', {}, ...(body ? [body] : []), button, status, out);
}

/** The socket: opens it, sends the example frame, shows what comes. */
function try_socket(path, operation) {
  const parameter = operation.parameters?.[0];
  const status = element('span', { className: 'meta', role: 'status' });
  const out = element('pre', { hidden: true });
  const frame = element('textarea', {
    rows: 10,
    spellcheck: false,
    ariaLabel: 'Frame to send',
    value: JSON.stringify(operation['x-frame'], null, 2),
  });
  const lines_max = 50;
  const lines = [];
  const show = (text) => {
    lines.push(text);
    if (lines.length > lines_max) lines.shift();
    out.textContent = lines.join('\n\n');
    out.hidden = false;
  };
  let socket;
  const open = () => {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const place = parameter ? path.replace(`{${parameter.name}}`, parameter.example) : path;
    const url = `${scheme}//${location.host}${place}`;
    socket = new WebSocket(url);
    socket.onopen = () => {
      status.textContent = 'Open';
      socket.send(frame.value);
    };
    socket.onmessage = (event) => show(JSON.stringify(JSON.parse(event.data), null, 2));
    socket.onclose = (event) => (status.textContent = `Closed (${event.code})`);
  };
  const button = element('button', {
    textContent: 'Send frame',
    onclick: () => (socket?.readyState === WebSocket.OPEN ? socket.send(frame.value) : open()),
  });
  return element('div', {}, frame, button, status, out);
}

function operation_block(api, method, path, operation) {
  const request = operation.requestBody?.content;
  const success = operation.responses['200'];
  const socket = operation['x-frame'] !== undefined;
  return element(
    'details',
    { id: operation.operationId },
    element(
      'summary',
      {},
      element('span', { className: `method ${method}`, textContent: method.toUpperCase() }),
      element('code', { textContent: path }),
      operation.summary,
    ),
    element(
      'div',
      { className: 'inside' },
      element('p', { className: 'meta', textContent: operation.description ?? '' }),
      schema_block(api, 'Request', request),
      schema_block(api, success?.description ?? '', success?.content),
      socket ? try_socket(path, operation) : try_it(method.toUpperCase(), path, operation),
    ),
  );
}

async function draw() {
  const about = document.getElementById('about');
  const operations = document.getElementById('operations');
  try {
    const api = await (await fetch(document_url)).json();
    document.getElementById('title').textContent = `${api.info.title} ${api.info.version}`;
    about.textContent = api.info.description;
    for (const tag of api.tags) {
      operations.append(element('h2', { textContent: tag.description }));
      for (const [path, methods] of Object.entries(api.paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          if (operation.tags.includes(tag.name)) {
            operations.append(operation_block(api, method, path, operation));
          }
        }
      }
    }
    if (location.hash) document.querySelector(location.hash)?.setAttribute('open', '');
  } catch (error) {
    about.textContent = `The description could not be read: ${error.message}`;
    about.className = 'bad';
  }
}

draw();
