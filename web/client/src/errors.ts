/**
 * What can go wrong between a game and its relay, as one error class with a stable code.
 *
 * Only `bad_request` and `aborted` ever reject a call: everything else is answered by the engine and
 * arrives as the answer's `reduced` or in the status.
 */

export type ClientErrorCode =
  | 'relay_unreachable'
  | 'relay_timeout'
  | 'unauthorized'
  | 'rate_limited'
  | 'budget_exhausted'
  | 'model_failed'
  | 'bad_answer'
  | 'bad_request'
  | 'aborted';

export interface ClientErrorDetails {
  /** Where in the request or the answer, e.g. "priorities.0". */
  path?: string | undefined;
  expected?: string | undefined;
  got?: string | undefined;
  /** HTTP status, where there was one. */
  status?: number | undefined;
  /** How long the relay asked to wait. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly path: string | undefined;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ClientErrorCode, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ClientError';
    this.code = code;
    this.path = details.path;
    this.expected = details.expected;
    this.got = details.got;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}
