// The page's client at the relay's program: an answer that comes whole over connections that break.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { createClient } from '@redoubt/client';
import { start_mock, start_relay } from './mock_upstream.mjs';

const words = 'A long tale that is told in many small pieces. '.repeat(10);
const cut_after_bytes = 4_000;

let mock;
let relay;
let proxy;
let connections = 0;
before(async () => {
  mock = await start_mock();
  relay = await start_relay(mock, { slow: ['openai/gpt-5-mini'] });
  // Each connection ends after so many bytes of the relay's.
  proxy = net.createServer((client) => {
    connections += 1;
    const upstream = net.connect(relay.port, '127.0.0.1');
    const cut = () => [client, upstream].forEach((socket) => socket.destroy());
    let passed = 0;
    upstream.on('data', (bytes) => {
      client.write(bytes);
      passed += bytes.length;
      if (passed >= cut_after_bytes) cut();
    });
    client.pipe(upstream);
    for (const socket of [client, upstream]) socket.on('error', cut).on('close', cut);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});
after(async () => {
  proxy?.close();
  await relay?.stop();
  await mock?.stop();
});

test('a resumable chat is one call at the provider, over as many connections as it takes', async () => {
  await mock.script([{ do: [{ answer: { text: words, every_ms: 5 } }] }]);
  const client = createClient({
    relay: `http://127.0.0.1:${proxy.address().port}`,
    engine: { strategy: () => null, agentSpecification: () => null },
    WebSocket,
  });
  let text = '';
  let done;
  const request = {
    model: 'slow',
    messages: [{ role: 'user', content: 'Tell me.' }],
    resumable: true,
  };
  for await (const piece of client.chat(request)) {
    if (piece.type === 'text') text += piece.text;
    else done = piece;
  }
  client.dispose();
  assert.equal(text, words);
  assert.equal(done.text, words);
  assert.equal(done.model, 'openai/gpt-5-mini');
  assert.ok(done.outputTokens > 0);
  assert.ok(connections > 2, `${connections} connections`);
  assert.equal((await mock.calls()).length, 1);
});
