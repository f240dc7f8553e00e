// Asks a relay under attack for its health from a thread of its own, so that a busy attacker does not
// count as a slow relay. Beside each question it asks an idle program on the same machine: what that
// one takes is the machine's doing and is subtracted.
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const interval_ms = 50;
const patience_ms = 5_000;
const page_bytes = 1024;

const status_of = (pid) => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    return { now: number('VmRSS') * page_bytes, peak: number('VmHWM') * page_bytes };
  } catch {
    return { now: 0, peak: 0 };
  }
};

/** Memory of a process now, and at its most: {now, peak} in bytes. */
export const memory_of = status_of;

function asked(url) {
  return new Promise((resolve) => {
    const from = performance.now();
    const took = () => performance.now() - from;
    const request = http.get(url, { agent: false, timeout: patience_ms }, (response) => {
      response.resume().on('end', () => resolve({ ms: took(), status: response.statusCode }));
      response.on('error', () => resolve({ ms: Infinity, status: 0 }));
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', () => resolve({ ms: Infinity, status: 0 }));
  });
}

/**
 * Watches {health, admin, idle} (URLs) and the process until `stop()`, which gives
 * {health_ms, admin_ms, rss_bytes, samples}: the longest answers beyond the idle program's.
 */
export function start_witness(places) {
  const worker = new Worker(new URL(import.meta.url), { workerData: places });
  const ready = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return {
    ready,
    stop: () =>
      new Promise((resolve) => {
        worker.on('message', (figures) => {
          worker.terminate();
          resolve(figures);
        });
        worker.postMessage('stop');
      }),
  };
}

async function watch({ health, admin, idle, pid }) {
  const figures = { health_ms: 0, admin_ms: 0, rss_bytes: 0, samples: 0 };
  let stopped = false;
  parentPort.once('message', () => (stopped = true));
  parentPort.postMessage('ready');
  while (!stopped) {
    const [of_health, of_admin, of_idle] = await Promise.all([health, admin, idle].map(asked));
    const beyond = ({ ms, status }) =>
      status === 200 ? Math.max(0, ms - of_idle.ms) : Number.POSITIVE_INFINITY;
    figures.health_ms = Math.max(figures.health_ms, beyond(of_health));
    figures.admin_ms = Math.max(figures.admin_ms, beyond(of_admin));
    figures.rss_bytes = Math.max(figures.rss_bytes, status_of(pid).now);
    ++figures.samples;
    await new Promise((wake) => setTimeout(wake, interval_ms));
  }
  parentPort.postMessage(figures);
}

if (!isMainThread) await watch(workerData);
