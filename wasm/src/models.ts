/**
 * @redoubt/engine/models: a language model with the player's own key, asked straight from the page.
 *
 * The key lives in this closure alone: it is neither stored nor shown nor part of any error. Every
 * provider's wire format is the engine's, in WebAssembly, the same as in the relay.
 *
 * @example
 * const model = await directModel({ provider: 'anthropic', model: 'claude-haiku-4-5', key });
 * for await (const piece of model.chat({ messages })) show(piece);
 */
import { EngineError } from './errors.js';
import { loadModelCore } from './model_core.js';
import type { ModelCore, ModelFace } from './model_core.js';
import { call } from './module.js';
import type { WasmSource } from './types.js';

export { EngineError } from './errors.js';

export interface DirectOptions {
  /** One of providers(): "openai", "anthropic", "gemini", "openrouter", ... */
  provider: string;
  /** The provider's name of the model. */
  model: string;
  /** The player's own key; providers on the player's machine take none. */
  key?: string;
  /** For providers without an address of their own (a deployment), or another one. */
  baseUrl?: string;
  wasm?: WasmSource;
  fetch?: typeof fetch;
  /** ms since 1970 */
  now?: () => number;
}

/** A message in the shape of OpenAI's chat completions, calls of tools and their results among them. */
export type DirectMessage =
  | { role: 'system' | 'user'; content: string }
  | {
      role: 'assistant';
      content: string | null;
      tool_calls?: readonly {
        id: string;
        type: 'function';
        function: { name: string; arguments: string };
      }[];
    }
  | { role: 'tool'; tool_call_id: string; content: string };

/** Something that the model may call; `parameters` is a JSON Schema. */
export interface DirectTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: object };
}

/** A call that the model asked for; `arguments` is JSON as the model wrote it. */
export interface DirectToolCall {
  id: string;
  name: string;
  arguments: string;
}

export interface DirectRequest {
  messages: readonly DirectMessage[];
  maxTokens?: number;
  temperature?: number;
  /** A JSON Schema that the answer is to fit. */
  schema?: object;
  tools?: readonly DirectTool[];
  toolChoice?: 'auto' | 'none' | 'required';
  /** False: at most one call in an answer. */
  parallelToolCalls?: boolean;
}

/** Pieces of the answer as they come; the last one is the whole. */
export type DirectPiece =
  | { type: 'text'; text: string }
  | {
      type: 'done';
      text: string;
      toolCalls: readonly DirectToolCall[];
      /** "provider/model" */
      model: string;
      inputTokens: number;
      outputTokens: number;
      /** In millionths of a dollar; null where no price is known. */
      costMicroUsd: number | null;
      latencyMs: number;
    };

export interface DirectModel {
  readonly provider: string;
  readonly model: string;
  /** Rejects with `model_failed` for what the provider says, with its status in `got`. */
  chat(request: DirectRequest, options?: { signal?: AbortSignal }): AsyncIterable<DirectPiece>;
}

export interface Provider {
  name: string;
  /** Empty where a deployment names it. */
  baseUrl: string;
  /** Whether it wants a key. */
  keyed: boolean;
  /** Models whose limits and prices are known; others can be named, too. */
  models: string[];
}

/** Every provider whose format the engine speaks. Not all answer to pages: see docs/providers.md. */
export async function providers(options: { wasm?: WasmSource } = {}): Promise<Provider[]> {
  const core = await loadModelCore(options.wasm);
  return JSON.parse(call(core, (face) => face.providers())) as Provider[];
}

/** Anthropic answers pages only that say they know what a key in a page means. */
const PAGE_HEADERS: Readonly<Record<string, Record<string, string>>> = {
  anthropic: { 'anthropic-dangerous-direct-browser-access': 'true' },
};
const picodollars_per_microdollar = 1_000_000;

interface Wire {
  url: string;
  headers: Record<string, string>;
  keyHeader: string;
  keyPrefix: string;
  body: string;
  /** What the answer calls a tool: what the request did, where the provider does not take that. */
  toolNames: Record<string, string>;
}

type Event =
  | { kind: 'started'; model: string }
  | { kind: 'text'; text: string }
  | { kind: 'toolBegun'; id: string; name: string }
  | { kind: 'toolArguments'; index: number; text: string }
  | { kind: 'usage'; input: number; output: number }
  | { kind: 'finished'; reason: string }
  | {
      kind: 'failed';
      failure: { code?: string; message?: string; status?: number; retryAfterMs?: number };
    };

const bodyOf = (model: string, request: DirectRequest) => ({
  model,
  messages: request.messages,
  stream: true,
  stream_options: { include_usage: true },
  ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
  ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  ...(request.schema === undefined
    ? {}
    : {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'answer', schema: request.schema },
        },
      }),
  ...(request.tools === undefined ? {} : { tools: request.tools }),
  ...(request.toolChoice === undefined ? {} : { tool_choice: request.toolChoice }),
  ...(request.parallelToolCalls === undefined
    ? {}
    : { parallel_tool_calls: request.parallelToolCalls }),
});

export async function directModel(options: DirectOptions): Promise<DirectModel> {
  const { provider, model, key, baseUrl = '' } = options;
  const core = await loadModelCore(options.wasm);
  const known = (await providers({ ...(options.wasm ? { wasm: options.wasm } : {}) })).find(
    ({ name }) => name === provider,
  );
  if (known?.keyed && !key) {
    throw new EngineError('bad_argument', `${provider} wants a key.`, { path: 'key' });
  }
  const ask = options.fetch ?? ((url, init) => fetch(url, init));
  const now = options.now ?? Date.now;
  // A wrong provider or address is told here and not at the first question.
  encode({ messages: [{ role: 'user', content: '' }] });

  function encode(request: DirectRequest): Wire {
    const body = JSON.stringify(bodyOf(model, request));
    return JSON.parse(call(core, (face) => face.encode(provider, baseUrl, body))) as Wire;
  }

  return {
    provider,
    model,
    async *chat(request, { signal } = {}) {
      const begun = now();
      const wire = encode(request);
      const headers: Record<string, string> = { ...wire.headers, ...PAGE_HEADERS[provider] };
      if (key && wire.keyHeader) headers[wire.keyHeader] = `${wire.keyPrefix}${key}`;
      let response: Response;
      try {
        response = await ask(wire.url, {
          method: 'POST',
          headers,
          body: wire.body,
          // Nothing of the page but the question and the key goes out.
          credentials: 'omit',
          referrerPolicy: 'no-referrer',
          ...(signal ? { signal } : {}),
        });
      } catch (cause) {
        if (signal?.aborted) throw aborted();
        throw new EngineError(
          'model_failed',
          `${provider} cannot be reached from this page: it is down, it does not answer to pages (CORS), or the page's Content-Security-Policy lacks it in connect-src.`,
          { path: new URL(wire.url).origin, got: String((cause as Error).message) },
        );
      }
      const { toolNames } = wire;
      const listening = { provider, model, begun, now, toolNames, ...(signal && { signal }) };
      yield* answerOf(core, response, listening);
    },
  };
}

/** What has come of an answer so far. */
interface Coming {
  text: string;
  toolCalls: DirectToolCall[];
  usage: { input: number; output: number };
  over: boolean;
}

interface Listening {
  provider: string;
  model: string;
  begun: number;
  now(): number;
  toolNames: Record<string, string>;
  signal?: AbortSignal;
}

async function* answerOf(
  core: ModelCore,
  response: Response,
  listening: Listening,
): AsyncGenerator<DirectPiece> {
  const { provider, now, signal } = listening;
  const use = <T>(work: (face: ModelFace) => T) => call(core, work);
  const decoder = use((face) => face.decode(provider));
  const reader = response.body?.getReader();
  const coming: Coming = { text: '', toolCalls: [], usage: { input: 0, output: 0 }, over: false };
  try {
    const headers = JSON.stringify(Object.fromEntries(response.headers));
    use((face) => face.decodeHead(decoder, response.status, headers, now()));
    while (!coming.over && reader) {
      const { done, value } = await reader.read();
      if (done) break;
      yield* take(
        coming,
        listening,
        use((face) => face.feed(decoder, value)),
      );
    }
    if (!coming.over)
      yield* take(
        coming,
        listening,
        use((face) => face.decodeEnd(decoder)),
      );
  } catch (error) {
    if (signal?.aborted) throw aborted();
    if (error instanceof EngineError) throw error;
    throw new EngineError('model_failed', `${provider}: its answer broke off.`, {
      got: String((error as Error).message),
    });
  } finally {
    if (core.dead === null) use((face) => face.dropDecoder(decoder));
    // Whoever stops listening ends the call, too.
    await reader?.cancel().catch(() => undefined);
  }
  yield wholeOf(core, coming, listening);
}

/** Takes the decoder's events, and gives the text among them on. @throws EngineError */
function* take(
  coming: Coming,
  { provider, toolNames }: Listening,
  events: string,
): Generator<DirectPiece> {
  for (const event of JSON.parse(events) as Event[]) {
    if (event.kind === 'text') {
      coming.text += event.text;
      yield { type: 'text', text: event.text };
    } else if (event.kind === 'toolBegun') {
      const name = toolNames[event.name] ?? event.name;
      coming.toolCalls.push({ id: event.id, name, arguments: '' });
    } else if (event.kind === 'toolArguments') {
      const call = coming.toolCalls[event.index];
      if (call) call.arguments += event.text;
    } else if (event.kind === 'usage') {
      coming.usage = event;
    } else if (event.kind === 'finished') {
      coming.over = true;
    } else if (event.kind === 'failed') {
      const { message, code, status } = event.failure;
      throw new EngineError('model_failed', `${provider}: ${message ?? 'it failed'}`, {
        path: code ?? '',
        got: status ? String(status) : '',
      });
    }
  }
}

/** The last piece: the answer as a whole, with what it cost. */
function wholeOf(
  core: ModelCore,
  { text, toolCalls, usage }: Coming,
  { provider, model, begun, now }: Listening,
): DirectPiece {
  const cost = call(core, (face) =>
    face.cost(provider, model, JSON.stringify(usage), begun, now()),
  );
  return {
    type: 'done',
    text,
    toolCalls,
    model: `${provider}/${model}`,
    inputTokens: usage.input,
    outputTokens: usage.output,
    costMicroUsd: cost === '' ? null : Number(cost) / picodollars_per_microdollar,
    latencyMs: now() - begun,
  };
}

const aborted = () => new EngineError('aborted', 'The call was aborted by its signal.');
