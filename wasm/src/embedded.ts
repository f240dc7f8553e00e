/** What the entries under @redoubt/engine/inline carry in themselves instead of loading it. */

/** Bytes out of base64, decoded once: a core is known, and compiled once, by the object it is from. */
export function embeddedBytes(base64: string): () => Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  return () => (bytes ??= decoded(base64));
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; ++at) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The address of a script that is given as text; a page keeps it, for its next worker. */
export function embeddedScript(text: string): () => string {
  let url: string | undefined;
  return () => (url ??= URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
}
