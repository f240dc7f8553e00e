// Tokens made without any library: what another implementation would send.
import { createHmac } from 'node:crypto';

/** A token of claims that are JSON already, where JavaScript's own JSON would change them. */
export function hs256_of_text(claims, secret, header = { alg: 'HS256' }) {
  const parts = [JSON.stringify(header), claims];
  const text = parts.map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
export const hs256 = (claims, secret, header) =>
  hs256_of_text(JSON.stringify(claims), secret, header);

/** Ten minutes from now, in seconds since 1970. */
export const soon = () => Math.floor(Date.now() / 1000) + 600;
export const bearer = (token) => ({ Authorization: `Bearer ${token}` });
