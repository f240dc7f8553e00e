/** What a run has where its caller gives none. */

export function freshId(): string {
  return crypto.randomUUID();
}
export function freshSeed(): string {
  return crypto.getRandomValues(new BigUint64Array(1))[0]!.toString();
}
