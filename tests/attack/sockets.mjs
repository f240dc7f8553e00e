// Connections that attackers make by hand: from other addresses, unfinished, never read.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import WebSocket from 'ws';

/** A connected socket from `from`, whose errors are nobody's: {socket, text(), closed}. */
export async function connect(port, { from = '127.0.0.1', read = true } = {}) {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
  const wire = { socket, said: '' };
  wire.closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  if (read) socket.on('data', (bytes) => (wire.said += bytes.toString('latin1')));
  else socket.pause();
  await Promise.race([once(socket, 'connect').catch(() => {}), wire.closed]);
  return wire;
}

/** Sends `text` as it is, and gives what came until the other side closed or was silent. */
export async function say(port, text, { from, silence_ms = 400 } = {}) {
  const wire = await connect(port, { from });
  wire.socket.write(text, 'latin1');
  let known = -1;
  while (known !== wire.said.length) {
    known = wire.said.length;
    const done = await Promise.race([
      wire.closed.then(() => true),
      new Promise((wake) => setTimeout(wake, silence_ms, false)),
    ]);
    if (done) break;
  }
  wire.socket.destroy();
  return wire.said;
}
export const status_in = (said) => Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0);

/** One request from the loopback address `from`: {status, headers, text}; status 0 if none came. */
export function ask_from(relay, from, { method = 'GET', path = '/', headers = {}, body } = {}) {
  return new Promise((resolve) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port: relay.port,
        localAddress: from,
        method,
        path,
        headers,
        agent: false,
        timeout: 3_000,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, text }),
        );
        response.on('error', () => resolve({ status: 0, headers: {}, text }));
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve({ status: 0, headers: {}, text: '' }));
    request.end(body);
  });
}
export const post_from = (relay, from, path, value, headers = {}) =>
  ask_from(relay, from, {
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(value),
  });

/** A WebSocket that keeps its frames: `frame(found)` waits for one. */
export async function connect_socket(relay, path, headers = {}, protocols = []) {
  const socket = new WebSocket(`ws://127.0.0.1:${relay.port}${path}`, protocols, { headers });
  const wire = { socket, frames: [], waiting: [] };
  socket.on('error', () => {});
  socket.on('message', (data) => {
    wire.frames.push(JSON.parse(data));
    wire.waiting = wire.waiting.filter((wait) => !wait());
  });
  wire.frame = (found, patience_ms = 10_000) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const frame = wire.frames.find(found);
        if (frame) {
          clearTimeout(timer);
          resolve(frame);
        }
        return frame;
      };
      const timer = setTimeout(() => reject(new Error('waited in vain for a frame')), patience_ms);
      if (!look()) wire.waiting.push(look);
    });
  wire.send = (value) => socket.send(JSON.stringify(value));
  wire.close = () => socket.terminate();
  await Promise.race([once(socket, 'open'), once(socket, 'close')]);
  return wire;
}

/** A socket of /v1/ws: `call(id, request)` gives how it ended, `end` or the error's code. */
export async function connect_models(relay, headers = {}) {
  const wire = await connect_socket(relay, '/v1/ws', headers);
  wire.call = async (id, request, format = 'openai.chat') => {
    wire.send({ type: 'call', id, format, request });
    const last = await wire.frame(
      (frame) => frame.id === id && (frame.type === 'end' || frame.type === 'error'),
    );
    return last.type === 'end' ? 'end' : (last.code ?? last.status ?? 'error');
  };
  return wire;
}
