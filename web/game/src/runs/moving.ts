/** Runs between this page and the relay: one file there, one file back. */

const BUNDLE = 'application/vnd.redoubt.bundle';

const runs = (relay: URL, path = '') => new URL(`api/workflows/runs${path}`, relay);

async function refusal(response: Response): Promise<Error> {
  const said = (await response.json().catch(() => null)) as { detail?: unknown } | null;
  const why = typeof said?.detail === 'string' ? said.detail : `HTTP ${response.status}`;
  return new Error(`The relay does not take the run: ${why}`);
}

export async function moveToRelay(relay: URL, bundle: Uint8Array): Promise<void> {
  const url = runs(relay);
  url.searchParams.set('clock_ms', String(Date.now()));
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': BUNDLE },
    body: bundle.slice(),
  });
  if (!response.ok) throw await refusal(response);
}

/** The run's status there; null where the relay has no such run of ours. */
export async function lookAt(relay: URL, id: string): Promise<string | null> {
  const response = await fetch(runs(relay, `/${encodeURIComponent(id)}`));
  if (!response.ok) return null;
  const { status } = (await response.json()) as { status?: unknown };
  return typeof status === 'string' ? status : null;
}

/** Parks it there, where it is not over, and gives its bundle. */
export async function bringBack(relay: URL, id: string): Promise<Uint8Array> {
  const url = runs(relay, `/${encodeURIComponent(id)}/export`);
  const response = await fetch(url, { method: 'POST' });
  if (!response.ok) throw await refusal(response);
  return new Uint8Array(await response.arrayBuffer());
}
