/** The heads of requests to the relay. */

import { ClientError } from './errors.js';
import type { ClientOptions } from './types.js';

/** @throws ClientError unauthorized where the token cannot be had. */
export async function tokenOf(token: ClientOptions['token']): Promise<string | undefined> {
  try {
    return typeof token === 'function' ? await token() : token;
  } catch (cause) {
    throw new ClientError('unauthorized', 'token() failed, so the relay was not asked.', { cause });
  }
}

/** @throws ClientError as tokenOf */
export async function headers(token: ClientOptions['token']): Promise<Record<string, string>> {
  const plain = { 'content-type': 'application/json', accept: 'application/json' };
  const given = await tokenOf(token);
  return given === undefined ? plain : { ...plain, authorization: `Bearer ${given}` };
}
