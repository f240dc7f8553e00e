// What a stranger can do to the relay from outside: carries out the attacks of the folders beside this
// file on the real program, each on a relay of its own, and prints a table of what was tried and seen.
//
//   node tests/attack/run.mjs [NAME...]     NAME: a folder, a file or an attack (money, money/leaving)
//
// Everything stays on the loopback. The last line is: N passed, N failed.
import { readdirSync } from 'node:fs';
import { start_mock } from '../relay/mock_upstream.mjs';
import { drain_timeout_s, make_stage } from './stage.mjs';

const groups = ['money', 'identity', 'uptime'];
/** The figures that are promised. */
const rss_bytes_over_idle_max = 128 << 20;
const answer_ms_max = 100;
const end_ms_max = drain_timeout_s * 1000 + 1000;
/**
 * For a machine of two cores that others use: by how much times may be over, beyond what an idle
 * program beside the relay takes for the same. Memory needs no allowance.
 */
const loaded_machine_factor = 3;
const attack_ms_max = 15_000;
const tries_max = 2;

const mebibytes = (bytes) => `${(bytes / (1 << 20)).toFixed(0)} MiB`;
const milliseconds = (ms) => (Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : 'no answer');

async function all_attacks() {
  const attacks = [];
  for (const group of groups) {
    const folder = new URL(`${group}/`, import.meta.url);
    for (const file of readdirSync(folder)
      .filter((name) => name.endsWith('.mjs'))
      .sort()) {
      const module = await import(new URL(file, folder));
      const name = `${group}/${file.slice(0, -4)}`;
      for (const attack of module.attacks) attacks.push({ ...attack, file: name });
    }
  }
  return attacks;
}
const full_name = (attack) => `${attack.file}: ${attack.name}`;
const wanted = (attack, names) =>
  names.length === 0 || names.some((name) => full_name(attack).startsWith(name));

/** What of the promised figures does not hold: texts, `slow` where only time is over. */
function figures_broken({ ended, figures }, attack) {
  const faults = [];
  const rss_max = attack.rss_bytes_max ?? rss_bytes_over_idle_max;
  if (ended.early) faults.push(`the relay ended by itself: ${ended.signal ?? ended.code}`);
  if (!ended.early && ended.code !== 0)
    faults.push(`SIGTERM: ended with ${ended.signal ?? ended.code}`);
  if (figures.rss_bytes > rss_max)
    faults.push(`memory: ${mebibytes(figures.rss_bytes)} over idle, not ${mebibytes(rss_max)}`);
  const dead = faults.length > 0;
  for (const [what, ms, ms_max] of [
    ['/healthz', figures.health_ms, answer_ms_max],
    ['admin', figures.admin_ms, answer_ms_max],
    ['SIGTERM', figures.end_ms, end_ms_max],
  ]) {
    if (ms > ms_max * loaded_machine_factor)
      faults.push(`${what}: ${milliseconds(ms)}, not ${milliseconds(ms_max)}`);
  }
  return { faults, only_slow: !dead && faults.length > 0 };
}

function timed(work, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the attack did not end in ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function carry_out(attack, idle_url) {
  const stage = make_stage(idle_url);
  let outcome;
  try {
    outcome = await timed(attack.run(stage), attack_ms_max);
  } catch (error) {
    outcome = { held: false, seen: `${error.message}`.slice(0, 400) };
  }
  const end = await stage.finish();
  const { faults, only_slow } = figures_broken(end, attack);
  const held = outcome.held && faults.length === 0;
  const seen = [outcome.seen, ...faults].join('; ');
  return { held, seen, figures: end.figures, only_slow: outcome.held && only_slow };
}

/** Where nothing but times were over, the machine may have been busy: a second try decides. */
async function judged(attack, idle_url) {
  let result;
  for (let tries = 0; tries < tries_max; ++tries) {
    result = await carry_out(attack, idle_url);
    if (result.held || !result.only_slow) break;
  }
  return result;
}

// Names that attackers chose are shown as they are spelt: no control or mark of theirs acts here.
const cell = (text) =>
  String(text)
    .replaceAll('|', '\\|')
    .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;

async function main(names) {
  const attacks = (await all_attacks()).filter((attack) => wanted(attack, names));
  const idle = await start_mock();
  let failed = 0;
  console.log(
    row([
      'attack',
      'tried',
      'expected',
      'seen',
      '',
      'memory',
      '/healthz',
      'admin',
      'SIGTERM',
      'in all',
    ]),
  );
  console.log(`|${'---|'.repeat(10)}`);
  for (const attack of attacks) {
    const from = performance.now();
    const { held, seen, figures } = await judged(attack, `${idle.url}/_mock/calls`);
    if (!held) ++failed;
    console.log(
      row([
        full_name(attack),
        attack.tried,
        attack.expected,
        seen,
        held ? 'held' : 'BROKEN',
        `+${mebibytes(Math.max(0, figures.rss_bytes))}`,
        milliseconds(figures.health_ms),
        milliseconds(figures.admin_ms),
        milliseconds(figures.end_ms),
        `${((performance.now() - from) / 1000).toFixed(1)} s`,
      ]),
    );
  }
  await idle.stop();
  const passed = attacks.length - failed;
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
