import type { EngineErrorCode } from './types.js';

export interface EngineErrorFields {
  path?: string;
  expected?: string;
  got?: string;
  line?: number;
  column?: number;
  cause?: unknown;
}

/**
 * What every function of this package throws (or rejects with). `code` is stable; `message` is one
 * sentence that says what to do; `path` names the place in the input.
 */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  /** 1-based place in a text source, 0 where there is none. */
  readonly line: number;
  readonly column: number;

  constructor(code: EngineErrorCode, message: string, fields: EngineErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'EngineError';
    this.code = code;
    this.path = fields.path ?? '';
    this.expected = fields.expected ?? '';
    this.got = fields.got ?? '';
    this.line = fields.line ?? 0;
    this.column = fields.column ?? 0;
  }
}

/** An error as it crosses from the worker, where classes are lost. */
export interface WireError {
  code: EngineErrorCode;
  message: string;
  path: string;
  expected: string;
  got: string;
  line: number;
  column: number;
}

export function toWire(error: unknown): WireError {
  const known =
    error instanceof EngineError
      ? error
      : new EngineError('internal', `Unexpected: ${String(error)}. Please report it.`);
  const { code, message, path, expected, got, line, column } = known;
  return { code, message, path, expected, got, line, column };
}

export function fromWire(wire: WireError): EngineError {
  return new EngineError(wire.code, wire.message, wire);
}

/** How a wrong value is named in `got`. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? 'a long string' : JSON.stringify(value);
  if (
    value === null ||
    value === undefined ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  ) {
    return String(value);
  }
  if (typeof value === 'bigint') return `${value}n`;
  return Array.isArray(value) ? `an array of ${value.length}` : `${typeof value}`;
}
