/** The worker's rim: messages in, messages out, and the timer that drives the match. */
import { loadCore } from './core.js';
import type { Core } from './core.js';
import { EngineError, toWire } from './errors.js';
import { Host } from './host.js';
import type { HostOutput } from './host.js';
import { frames_ahead_max } from './protocol.js';
import type { FromWorker, MatchInfo, RequestName, Requests, ToWorker } from './protocol.js';

interface Scope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}
const scope = globalThis as unknown as Scope;

let core: Core | null = null;
let host: Host | null = null;
let framesAhead = 0;
/** A tick that could not be sent yet, because the page has not shown the last ones. */
let frameOwed = false;

// A zero timeout is clamped to 4 ms after a few rounds; a message to oneself is not.
const channel = new MessageChannel();
let timer: ReturnType<typeof setTimeout> | undefined;
let queued = false;
channel.port1.onmessage = () => {
  queued = false;
  turn();
};

const output: HostOutput = {
  frame: sendFrame,
  status: (status) => {
    // A match that stands has shown its tick: whoever hears of a pause has that tick's frame.
    if (frameOwed && status.state !== 'playing') postFrame(match());
    send({ type: 'status', status });
  },
  state: (bytes) => send({ type: 'state', bytes }, [bytes.buffer]),
};
const clock = () => performance.now();

function send(message: FromWorker, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function sendFrame(): void {
  if (!host) return;
  if (framesAhead >= frames_ahead_max) {
    frameOwed = true;
    return;
  }
  postFrame(host);
}

function postFrame(from: Host): void {
  frameOwed = false;
  ++framesAhead;
  const buffer = from.frame();
  send({ type: 'frame', buffer }, [buffer]);
}

/** Runs what is due and comes back when there is more. */
function turn(): void {
  clearTimeout(timer);
  if (!host || queued) return;
  try {
    const wait = host.runner.run();
    if (wait === null) return;
    if (wait > 0) timer = setTimeout(turn, wait);
    else {
      queued = true;
      channel.port2.postMessage(null);
    }
  } catch (error) {
    stop(error);
  }
}

/** The match cannot go on: say why. A dead core ends the worker, anything else only the clock. */
function stop(error: unknown): void {
  if (core?.dead || !host) {
    send({ type: 'failed', error: toWire(core?.dead ?? error) });
    return;
  }
  host.runner.pause();
  output.status(host.status(error));
}

function show(next: Host, speed?: number): MatchInfo {
  host?.dispose();
  host = next;
  if (speed !== undefined) host.runner.speed = speed;
  sendFrame();
  output.status(host.status());
  return host.info;
}

function match(): Host {
  if (!host) throw new EngineError('internal', 'No match was started in this worker.');
  return host;
}
function ready(): Core {
  if (!core) throw new EngineError('internal', 'The worker is not ready yet.');
  return core;
}

type Handlers = { [N in RequestName]: (args: Requests[N]['args']) => Requests[N]['result'] };

const handlers: Handlers = {
  start: (args) => show(Host.start(ready(), args, clock, output), args.speed ?? 1),
  openReplay: ({ bytes }) => {
    const speed = host?.runner.speed;
    const info = show(Host.openReplay(ready(), bytes, clock, output), speed);
    output.state(match().saveState());
    return info;
  },
  loadState: ({ bytes }) => show(Host.openState(ready(), bytes, clock, output), host?.runner.speed),
  saveState: () => match().saveState(),
  saveReplay: () => match().saveReplay(),
  play: (args) => match().play(args),
  pause: () => match().runner.pause(),
  step: (args) => match().step(args),
  seek: (args) => match().seekTo(args),
  branch: (args) => match().branch(args),
  order: (args) => match().order(args),
  direct: (args) => match().direct(args),
  explain: (args) => match().explain(args),
  heatMap: (args) => match().heatMap(args),
  sight: (args) => match().sight(args),
  situation: (args) => match().situation(args),
  history: (args) => match().history(args),
  hash: () => match().hash(),
};

function answer(id: number, name: RequestName, args: object): void {
  try {
    const handle = handlers[name] as (args: object) => unknown;
    send({ type: 'answer', id, result: handle(args) });
  } catch (error) {
    send({ type: 'refused', id, error: toWire(error) });
    if (core?.dead) stop(error);
  }
}

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'init':
      loadCore(data.wasm).then(
        (loaded) => {
          core = loaded;
          send({ type: 'ready', module: loaded.module });
        },
        (error) => send({ type: 'failed', error: toWire(error) }),
      );
      return;
    case 'request':
      answer(data.id, data.name, data.args);
      turn();
      return;
    case 'ack':
      framesAhead = Math.max(0, framesAhead - 1);
      if (frameOwed) sendFrame();
      return;
    case 'ping':
      send({ type: 'pong' });
      return;
  }
};
