import '../style/runs.css';
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { RunView } from '@redoubt/engine/workflows';
import type { Game } from '../game';
import { TEAM_NAMES } from '../render/palette';
import { OFFERS } from '../runs/offers';
import {
  answerRun,
  bringRunBack,
  cancelRun,
  moveRun,
  removeRun,
  resumeRun,
  startRun,
  toggleRun,
} from '../runs/commands';
import { createRuns, type Runs } from '../runs/runs';
import { timeline, type Row } from '../runs/timeline';
import { latency } from '../text/format';

let opened: Runs | null = null;
/** Runs of this page; the first call takes up those that an earlier visit left. */
export function runsOf(game: Game): Runs {
  return (opened ??= createRuns(game));
}

const STATUS = {
  running: 'Running',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  continued: 'Goes on elsewhere',
  parked: 'At the relay',
} as const;

const ROW_STATE = {
  done: 'done',
  failed: 'failed',
  skipped: 'skipped',
  cancelled: 'cancelled',
  asking: 'asks you',
  waiting: 'waits',
  running: 'under way',
} as const;

/** Workflows: start one, watch its steps, answer what it asks. */
export function RunsPanel({ game }: { game: Game }) {
  const runs = runsOf(game);
  const { state } = game.state.relay.value;
  const relayThere = state === 'online' || state === 'slow';
  return (
    <div class="runs">
      <StartForm game={game} runs={runs} />
      {runs.list.value.length === 0 ? (
        <p class="empty">
          {runs.ready.value
            ? 'No runs yet. A run goes on after a reload, with a model or without.'
            : runs.elsewhere.value
              ? 'Another tab of this page carries its runs out. Close it to go on here.'
              : 'Loading\u2026'}
        </p>
      ) : (
        <ul class="run-list">
          {runs.list.value.map((run) => (
            <Run key={run.id} run={run} runs={runs} relay={relayThere} />
          ))}
        </ul>
      )}
    </div>
  );
}

function StartForm({ game, runs }: { game: Game; runs: Runs }) {
  const chosen = useSignal(0);
  const team = useSignal(0);
  const text = useSignal('');
  const offer = OFFERS[chosen.value]!;
  return (
    <form
      class="run-start"
      onSubmit={(event) => {
        event.preventDefault();
        startRun(runs, offer, team.value, text.value);
      }}
    >
      <label class="field">
        <span>Workflow</span>
        <select
          value={chosen.value}
          onChange={(event) => (chosen.value = Number(event.currentTarget.value))}
        >
          {OFFERS.map((one, i) => (
            <option key={one.workflow} value={i}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      {offer.input === 'team' ? (
        <label class="field">
          <span>Team</span>
          <select
            value={team.value}
            onChange={(event) => (team.value = Number(event.currentTarget.value))}
          >
            {game.state.players.value.map((_, i) => (
              <option key={i} value={i}>
                {TEAM_NAMES[i]}
              </option>
            ))}
          </select>
        </label>
      ) : (
        <label class="field">
          <span>{offer.asks}</span>
          <input
            required
            maxLength={2000}
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
      )}
      <div class="row">
        <button type="submit" class="button primary" disabled={!runs.ready.value}>
          Run
        </button>
      </div>
    </form>
  );
}

function statusOf(run: RunView): string {
  if (run.error) return 'Stands still';
  if (run.status === 'running' && run.questions.length > 0) return 'Asks you';
  return STATUS[run.status];
}

/** Who answered, where the result says so. */
function sourceOf(run: RunView): string | null {
  const { source } = (run.outcome ?? {}) as { source?: unknown };
  if (source === 'builtin') return 'built-in strategist';
  return typeof source === 'string' ? source : null;
}

function lengthOf(run: RunView, nowMs: number): number {
  return Math.max(0, (run.endedAt || nowMs) - run.startedAt);
}

/** The time, looked at once a second while something is under way. */
function useNow(moving: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!moving) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [moving]);
  return moving ? Math.max(now, 0) : Date.now();
}

interface RunProps {
  readonly run: RunView;
  readonly runs: Runs;
  /** Whether there is a relay to move it to. */
  readonly relay: boolean;
}

function Run({ run, runs, relay }: RunProps) {
  const open = runs.open.value === run.id;
  const now = useNow(run.status === 'running');
  return (
    <li class={`run run-${run.error ? 'failed' : run.status}`}>
      <button
        type="button"
        class="run-head"
        aria-expanded={open}
        onClick={() => toggleRun(runs, run.id)}
      >
        <span class="run-name">{run.workflow.replaceAll('_', ' ')}</span>
        <span class="run-status">{statusOf(run)}</span>
        <span class="meta number">{latency(lengthOf(run, now))}</span>
      </button>
      {(run.status === 'running' ? run.questions : []).map((question) => (
        <Question key={question.id} run={run} runs={runs} question={question} />
      ))}
      {open ? (
        <div class="run-body">
          <Timeline rows={timeline(runs.events.value, run.endedAt || now)} />
          {run.error ? <p class="run-error">{run.error.message}</p> : null}
          {run.outcome === null ? null : <Result run={run} />}
          <div class="row">
            <Commands run={run} runs={runs} relay={relay} />
            <span class="meta number">{run.events} events</span>
          </div>
        </div>
      ) : null}
    </li>
  );
}

function Result({ run }: { run: RunView }) {
  const source = sourceOf(run);
  return (
    <details>
      <summary>
        {run.status === 'done' ? 'Result' : 'Why'}
        {source ? <span class="meta"> from {source}</span> : null}
      </summary>
      <pre>{JSON.stringify(run.outcome, null, 2)}</pre>
    </details>
  );
}

interface CommandProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly disabled?: boolean;
}

function Command({ label, onClick, disabled }: CommandProps) {
  return (
    <button type="button" class="button small" disabled={disabled} onClick={onClick}>
      {label}
    </button>
  );
}

function Commands({ run, runs, relay }: RunProps) {
  const { id, status } = run;
  if (status === 'running') {
    return (
      <>
        <Command label="Cancel" onClick={() => cancelRun(runs, id)} />
        {relay ? <Command label="Move to the relay" onClick={() => moveRun(runs, id)} /> : null}
      </>
    );
  }
  if (status === 'parked' && !run.error) {
    return <Command label="Bring back" disabled={!relay} onClick={() => bringRunBack(runs, id)} />;
  }
  return (
    <>
      {status === 'parked' ? (
        <Command label="Try again" onClick={() => resumeRun(runs, id)} />
      ) : null}
      <Command label="Remove" onClick={() => removeRun(runs, id)} />
    </>
  );
}

function Timeline({ rows }: { rows: readonly Row[] }) {
  const length = Math.max(1, ...rows.map((row) => row.endMs));
  return (
    <ol class="steps" aria-label="Steps">
      {rows.map((row) => (
        <li key={row.key} class={`step step-${row.state}`} title={describe(row)}>
          <span class="step-name">{row.step}</span>
          <span class="step-track">
            <span
              class="step-bar"
              style={{
                left: `${(row.beginMs / length) * 100}%`,
                width: `max(3px, ${((row.endMs - row.beginMs) / length) * 100}%)`,
              }}
            />
          </span>
          <span class="step-note">{note(row)}</span>
        </li>
      ))}
    </ol>
  );
}

function note(row: Row): string {
  const parts = [ROW_STATE[row.state] as string];
  if (row.fellBack) parts.push('by fallback');
  if (row.retries > 0) parts.push(`${row.retries} retr${row.retries === 1 ? 'y' : 'ies'}`);
  return parts.join(', ');
}

function describe(row: Row): string {
  const calls = row.calls > 0 ? `, ${row.calls} call${row.calls === 1 ? '' : 's'}` : '';
  return `${row.step}: ${note(row)}, ${latency(row.beginMs)} to ${latency(row.endMs)}${calls}`;
}

interface QuestionProps {
  readonly run: RunView;
  readonly runs: Runs;
  readonly question: RunView['questions'][number];
}

function Question({ run, runs, question }: QuestionProps) {
  const text = useSignal('');
  const asked =
    typeof question.question === 'string' ? question.question : JSON.stringify(question.question);
  return (
    <form
      class="run-question"
      onSubmit={(event) => {
        event.preventDefault();
        answerRun(runs, run.id, question.id, text.value);
      }}
    >
      <label class="field">
        <span>{asked}</span>
        <input
          required
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button small">
        Answer
      </button>
    </form>
  );
}
