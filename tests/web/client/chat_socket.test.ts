// A model's answer over the relay's socket, whose connection breaks where the test says so.
import { describe, expect, it } from 'vitest';
import { createClient } from '@redoubt/client';
import { errorOf, piecesOf } from './chat_answers.js';

const request = {
  model: 'strategist',
  messages: [{ role: 'user' as const, content: 'Well?' }],
  resumable: true,
};
type Frame = Record<string, unknown>;
const event = (seq: number, content: string): Frame => ({
  type: 'event',
  id: 'chat',
  seq,
  data: { model: 'strategist', choices: [{ delta: { content } }] },
});
const started = { type: 'started', id: 'chat', token: 'T', hold_ms: 15_000 };
const usage: Frame = {
  type: 'event',
  id: 'chat',
  seq: 4,
  data: { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } },
};
const end: Frame = { type: 'end', id: 'chat', seq: 5, reason: 'complete', model: 'mock/one' };

/** One connection after another: what the relay says on each to the first frame, and does it break? */
type Script = { says: (frame: Frame) => (Frame | string)[]; breaks?: boolean }[];

function relayOf(script: Script, now = () => 5) {
  const heard: Frame[] = [];
  const protocols: unknown[] = [];
  let closed = 0;
  class Socket {
    static made = 0;
    readonly readyState = 1;
    private first = true;
    private readonly lines = script[Socket.made++];
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string }) => void) | null = null;
    onclose: (() => void) | null = null;
    constructor(
      readonly url: string,
      offered: unknown,
    ) {
      protocols.push(offered);
      queueMicrotask(() => (this.lines ? this.onopen?.() : this.onclose?.()));
    }
    send(text: string) {
      const frame = JSON.parse(text) as Frame;
      heard.push(frame);
      if (!this.first) return;
      this.first = false;
      queueMicrotask(() => {
        for (const said of this.lines?.says(frame) ?? []) {
          this.onmessage?.({ data: typeof said === 'string' ? said : JSON.stringify(said) });
        }
        if (this.lines?.breaks) this.onclose?.();
      });
    }
    close() {
      closed += 1;
    }
  }
  const client = createClient({
    relay: 'http://relay.test',
    token: 'player',
    engine: { strategy: () => null, agentSpecification: () => null },
    now,
    schedule: (callback, delayMs) => {
      // The way back alone: the client's own heartbeat stands still.
      if (delayMs === 300) queueMicrotask(callback);
      return () => undefined;
    },
    network: { onLine: () => true, subscribe: () => () => undefined },
    fetch: async () => new Response('{}'),
    WebSocket: Socket as unknown as new (url: string) => WebSocket,
  });
  return { client, heard, protocols, sockets: () => Socket.made, closed: () => closed };
}

const whole = {
  type: 'done',
  text: 'one two three',
  toolCalls: [],
  model: 'mock/one',
  inputTokens: 7,
  outputTokens: 3,
  latencyMs: 0,
};
const frames = [event(1, 'one '), event(2, 'two '), event(3, 'three'), usage, end];

describe('chat over the socket', () => {
  it('gives the answer, and lets the relay forget it', async () => {
    const relay = relayOf([{ says: () => [started, ...frames] }]);
    const pieces = await piecesOf(relay.client.chat(request));
    expect(pieces.map((piece) => piece.text)).toEqual(['one ', 'two ', 'three', 'one two three']);
    expect(pieces.at(-1)).toEqual(whole);
    expect(relay.protocols).toEqual([['redoubt', 'redoubt.token.player']]);
    expect(relay.heard).toEqual([
      {
        type: 'call',
        id: 'chat',
        format: 'openai.chat',
        request: {
          model: 'strategist',
          messages: request.messages,
          stream: true,
          stream_options: { include_usage: true },
        },
      },
      { type: 'ack', id: 'chat', seq: 5 },
    ]);
    expect(relay.closed()).toBe(1);
  });

  it('goes on with it wherever the connection breaks', async () => {
    for (let cut = 0; cut < frames.length; ++cut) {
      const relay = relayOf([
        { says: () => [started, ...frames.slice(0, cut)], breaks: true },
        { says: () => [], breaks: true },
        {
          says: ({ type, token, after }) => {
            expect([type, token, after]).toEqual(['resume', 'T', cut]);
            return [{ type: 'resumed', id: 'chat', after }, ...frames.slice(cut)];
          },
        },
      ]);
      const pieces = await piecesOf(relay.client.chat(request));
      expect(pieces.at(-1)).toEqual(whole);
      expect(pieces).toHaveLength(4);
      expect(relay.sockets()).toBe(3);
    }
  });

  it('does not ask again what may have been taken', async () => {
    const relay = relayOf([{ says: () => [], breaks: true }]);
    const error = await errorOf(piecesOf(relay.client.chat(request)));
    expect(error?.code).toBe('relay_unreachable');
    expect(relay.sockets()).toBe(1);
  });

  it('gives up when the relay has', async () => {
    let nowMs = 0;
    const relay = relayOf([{ says: () => [started, frames[0] as Frame], breaks: true }], () => {
      nowMs += 2_000;
      return nowMs;
    });
    const error = await errorOf(piecesOf(relay.client.chat(request)));
    expect(error?.code).toBe('model_failed');
    expect(error?.message).toMatch(/did not come back/);
    expect(relay.sockets()).toBeGreaterThan(2);
  });

  it('names what the relay refuses, and a stream that is not whole', async () => {
    for (const [says, message] of [
      [[{ type: 'error', code: 'rate_limited', message: 'too many' }], /too many/],
      [
        [started, { type: 'error', seq: 1, status: 502, body: { error: { message: 'down' } } }],
        /down/,
      ],
      [[started, event(1, 'one'), event(3, 'three')], /missing/],
      [[started, 'no JSON'], /no JSON/],
    ] as [(Frame | string)[], RegExp][]) {
      const error = await errorOf(piecesOf(relayOf([{ says: () => says }]).client.chat(request)));
      expect(error?.code).toBe('model_failed');
      expect(error?.message).toMatch(message);
    }
  });

  it('cancels the call of a listener who stops, or aborts', async () => {
    const stopped = relayOf([{ says: () => [started, frames[0] as Frame] }]);
    for await (const piece of stopped.client.chat(request)) {
      expect(piece.text).toBe('one ');
      break;
    }
    expect(stopped.heard.at(-1)).toEqual({ type: 'cancel', id: 'chat' });
    expect(stopped.closed()).toBe(1);

    const left = relayOf([{ says: () => [started, frames[0] as Frame] }]);
    const leaving = new AbortController();
    const answer = left.client.chat(request, { signal: leaving.signal });
    const read = (async () => {
      for await (const piece of answer) if (piece.type === 'text') leaving.abort();
    })();
    expect((await errorOf(read))?.code).toBe('aborted');
    expect(left.heard.at(-1)).toEqual({ type: 'cancel', id: 'chat' });
  });
});
