/** The browser's Worker on top of Node's threads, so that the worker client is tested without one. */
import { readFileSync } from 'node:fs';
import { Worker as Thread } from 'node:worker_threads';

const SHIM = `
  import { parentPort, workerData } from 'node:worker_threads';
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
  parentPort.on('message', (data) => globalThis.onmessage({ data }));
  await import(workerData.script);
`;

/** Every worker that was made, newest last. */
export const workers: NodeWorker[] = [];

export class NodeWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string; preventDefault(): void }) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  readonly thread: Thread;
  /** Messages from the page are kept back while true: a page that is busy. */
  received = 0;

  constructor(script: URL) {
    const shim = new URL(`data:text/javascript,${encodeURIComponent(SHIM)}`);
    this.thread = new Thread(shim, { workerData: { script: script.href } });
    this.thread.on('message', (data) => {
      ++this.received;
      this.onmessage?.({ data });
    });
    this.thread.on('error', (error) =>
      this.onerror?.({ message: String(error), preventDefault() {} }),
    );
    workers.push(this);
  }
  postMessage(message: unknown): void {
    this.thread.postMessage(message);
  }
  terminate(): void {
    void this.thread.terminate();
  }
}

export const wasm = (): Uint8Array => new Uint8Array(readFileSync('wasm/dist/engine-core.wasm'));
