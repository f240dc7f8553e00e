/**
 * What an HTTP response of the relay means: its JSON, or the ClientError that says why there is none.
 */

import { ClientError, type ClientErrorCode } from './errors.js';

export const BODY_CHARACTERS_MAX = 262_144;
/** When a 429 names no time that can be read (a cross-origin page sees only exposed headers). */
export const RETRY_AFTER_DEFAULT_MS = 5_000;
export const RETRY_AFTER_MAX_MS = 24 * 3_600_000;

/** A proxy's way to say that the relay behind it is gone. */
const GATEWAY_STATUSES = [502, 503, 504];

/** An outage says nothing about the request; everything else is the relay's own word. */
export function isOutage(error: ClientError): boolean {
  return error.code === 'relay_unreachable' || error.code === 'relay_timeout';
}

export function unreachable(relay: string, cause: unknown): ClientError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ClientError(
    'relay_unreachable',
    `The relay at ${relay} cannot be reached (${reason}). It is asked again; the engine answers until then.`,
    { cause },
  );
}

/** Seconds or an HTTP date, which only means something beside the response's own date. */
export function retryAfterMs(headers: Headers): number {
  const given = headers.get('retry-after');
  const seconds = given !== null && /^\d{1,9}$/.test(given.trim()) ? Number(given) : null;
  const until = Date.parse(given ?? '') - Date.parse(headers.get('date') ?? '');
  const ms =
    seconds !== null ? seconds * 1000 : Number.isNaN(until) ? RETRY_AFTER_DEFAULT_MS : until;
  return Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Complaint {
  message: string;
  code: string | undefined;
  path: string | undefined;
  got: string | undefined;
}

/** Reads FastAPI's {detail}, virtual-startup's {error} and problem details alike. */
function complaint(body: unknown, status: number): Complaint {
  const from = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const inner = (
    typeof from.error === 'object' && from.error !== null ? from.error : {}
  ) as typeof from;
  const fault = (Array.isArray(from.detail) ? from.detail[0] : undefined) as
    { loc?: unknown[]; msg?: unknown; input?: unknown } | undefined;
  const said = [from.detail, from.error, inner.message, from.message, from.title, fault?.msg];
  const code = [from.code, inner.code].find((value) => typeof value === 'string');
  return {
    message: String(said.find((value) => typeof value === 'string') ?? `HTTP ${status}`).slice(
      0,
      400,
    ),
    code: code as string | undefined,
    path: fault?.loc?.filter((part) => part !== 'body').join('.'),
    got: fault?.input === undefined ? undefined : JSON.stringify(fault.input).slice(0, 80),
  };
}

function codeFor(status: number, named: string | undefined): ClientErrorCode {
  if (named === 'budget_exhausted' || status === 402) return 'budget_exhausted';
  if (status === 429) return 'rate_limited';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 408) return 'relay_timeout';
  if (GATEWAY_STATUSES.includes(status)) return 'relay_unreachable';
  return status >= 400 && status < 500 ? 'bad_request' : 'model_failed';
}

const ADVICE: Partial<Record<ClientErrorCode, string>> = {
  bad_request: 'Correct the request.',
  unauthorized: 'Pass a valid token to createClient.',
};

function refusal(response: Response, body: unknown): ClientError {
  const said = complaint(body, response.status);
  const code = codeFor(response.status, said.code);
  const limited = code === 'rate_limited' || code === 'budget_exhausted';
  const advice = ADVICE[code] ?? 'The built-in strategist answers instead.';
  return new ClientError(
    code,
    `The relay answered ${response.status}: ${said.message}. ${advice}`,
    {
      status: response.status,
      path: said.path,
      got: said.got,
      retryAfterMs: limited ? retryAfterMs(response.headers) : undefined,
    },
  );
}

/** The body as JSON. @throws ClientError for every status but 2xx and for what is no JSON. */
export async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  const body = text.length <= BODY_CHARACTERS_MAX ? parse(text) : undefined;
  if (!response.ok) throw refusal(response, body);
  if (body === undefined) {
    throw new ClientError(
      'bad_answer',
      `The relay's answer is ${text.length > BODY_CHARACTERS_MAX ? 'too long' : 'no JSON'}. The built-in strategist is used instead.`,
      { expected: `JSON of at most ${BODY_CHARACTERS_MAX} characters`, got: text.slice(0, 80) },
    );
  }
  return body;
}
