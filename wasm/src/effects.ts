/** Effects: carries out what runs want of models, tools, built-ins and memory. */
import { text_units_max } from './arguments.js';
import { EngineError } from './errors.js';
import type { Begin } from './fleet_actions.js';
import type { Journal, MemoryEntry } from './journal.js';
import { call } from './module.js';
import { EffectFailure } from './run_types.js';
import type { ModelCall, ModelEffect, ToolCall } from './run_types.js';
import type { WorkflowCore } from './workflow_core.js';

export interface EffectOptions {
  core: WorkflowCore;
  journal: Journal;
  /** What built-ins do: JSON in, JSON out. */
  builtin(name: string, request: string): string;
  model?: ModelCall;
  tools?: Readonly<Record<string, ToolCall>>;
  /** ms since 1970 */
  now(): number;
}

interface MemoryAnswer {
  answer: unknown;
  written: MemoryEntry[];
  dropped: string[];
}

type Done = (begun: Begin, failed: boolean, value: string) => void;

/** A failure as the core takes it. */
function failureText(cause: unknown, code = 'failed'): string {
  const known = cause instanceof EffectFailure || cause instanceof EngineError ? cause : null;
  const retryAfterMs = cause instanceof EffectFailure ? Math.ceil(cause.retryAfterMs) : 0;
  return JSON.stringify({
    code: known?.code ?? code,
    message: String((cause as Error)?.message ?? cause),
    ...(retryAfterMs > 0 ? { retry_after_ms: retryAfterMs } : {}),
  });
}

/** A result as the core takes it. */
function resultText(value: unknown): string {
  const text = JSON.stringify(value ?? null) ?? 'null';
  if (text.length <= text_units_max) return text;
  throw new EffectFailure('too_large', `the result is longer than ${text_units_max} characters`);
}

const keyOf = (serial: number, effect: string) => `${serial} ${effect}`;

export class Effects {
  /** Those under way. */
  private readonly open = new Map<string, AbortController>();
  /** The last call of memory: none works on entries that another one is changing. */
  private lastMemory: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: EffectOptions,
    private readonly done: Done,
  ) {}

  begin(begun: Begin): void {
    const { effect } = begun;
    const { model, tools } = this.options;
    switch (effect.kind) {
      case 'ask':
        return; // its owner answers
      case 'builtin':
        if (effect.target.startsWith('memory.')) return this.later(begun, () => this.memory(begun));
        return this.builtin(begun);
      case 'model':
        if (!model) return this.refuse(begun, 'no_model', 'no model can be asked here');
        return this.later(begun, async (signal) => model(effect as ModelEffect, signal));
      case 'tool': {
        const known = tools && Object.hasOwn(tools, effect.target);
        const tool = known ? tools[effect.target] : undefined;
        if (!tool) return this.refuse(begun, 'no_tool', `there is no tool ${effect.target} here`);
        return this.later(begun, async (signal) => tool(effect.request, signal));
      }
      default:
        return this.refuse(begun, 'not_here', `${effect.kind} steps are not carried out here`);
    }
  }

  withdraw(serial: number, effect: string): void {
    const key = keyOf(serial, effect);
    this.open.get(key)?.abort();
    this.open.delete(key);
  }

  /** Breaks off all of them. */
  end(): void {
    for (const controller of this.open.values()) controller.abort();
    this.open.clear();
  }

  private refuse(begun: Begin, code: string, message: string): void {
    this.done(begun, true, failureText(new EffectFailure(code, message)));
  }

  private builtin(begun: Begin): void {
    const { target, request } = begun.effect;
    let value: string;
    try {
      value = this.options.builtin(target, JSON.stringify(request));
    } catch (error) {
      return this.done(begun, true, failureText(error, 'internal'));
    }
    this.done(begun, false, value);
  }

  private later(begun: Begin, work: (signal: AbortSignal) => Promise<unknown>): void {
    const key = keyOf(begun.serial, begun.effect.id);
    const controller = new AbortController();
    this.open.set(key, controller);
    const over = (failed: boolean, text: string) => {
      if (this.open.get(key) !== controller) return;
      this.open.delete(key);
      this.done(begun, failed, text);
    };
    work(controller.signal)
      .then(resultText)
      .then(
        (text) => over(false, text),
        (error: unknown) => over(true, failureText(error)),
      );
  }

  private memory({ effect }: Begin): Promise<unknown> {
    const { core, journal, now } = this.options;
    const work = async () => {
      const kept = JSON.stringify(await journal.memories());
      const text = call(core, (face) =>
        face.memory(
          kept,
          effect.target,
          JSON.stringify(effect.request),
          effect.key,
          Math.floor(now()),
        ),
      );
      const { answer, written, dropped } = JSON.parse(text) as MemoryAnswer;
      await journal.remember(written, dropped);
      return answer;
    };
    const done = this.lastMemory.then(work);
    this.lastMemory = done.catch(() => undefined);
    return done;
  }
}
