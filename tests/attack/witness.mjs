// Asks a relay under attack for its health from a thread of its own, so that a busy attacker does not
// count as a slow relay. What is the machine's doing is subtracted: the time that an idle program takes
// for the same question, or that the relay waited meanwhile for a processor which others had.
import http from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const ms_ns = 1e6;
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

/** By thread of a process: how long it has waited for a processor, in ms (Linux's schedstat). */
function waits_of(pid) {
  const waits = new Map();
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [, waited_ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(
        ' ',
      );
      waits.set(thread, Number(waited_ns) / ms_ns);
    }
  } catch {
    // The process or its thread has ended: it waits for nothing.
  }
  return waits;
}
function longest_wait_ms(before, after) {
  const waited = [...after].map(([thread, ms]) => ms - (before.get(thread) ?? ms));
  return Math.max(0, ...waited);
}

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
 * {health_ms, admin_ms, rss_bytes, samples}: the longest answers beyond the machine's own.
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
    const before = waits_of(pid);
    const [of_health, of_admin, of_idle] = await Promise.all([health, admin, idle].map(asked));
    const machines_ms = Math.max(of_idle.ms, longest_wait_ms(before, waits_of(pid)));
    const beyond = ({ ms, status }) =>
      status === 200 ? Math.max(0, ms - machines_ms) : Number.POSITIVE_INFINITY;
    figures.health_ms = Math.max(figures.health_ms, beyond(of_health));
    figures.admin_ms = Math.max(figures.admin_ms, beyond(of_admin));
    figures.rss_bytes = Math.max(figures.rss_bytes, status_of(pid).now);
    ++figures.samples;
    await new Promise((wake) => setTimeout(wake, interval_ms));
  }
  parentPort.postMessage(figures);
}

if (!isMainThread) await watch(workerData);
