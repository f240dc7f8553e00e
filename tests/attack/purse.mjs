// How the attacks on money count: calls until they are refused, and what the provider billed.
import { ask } from '../relay/program.mjs';
import { bearer } from '../relay/signed_token.mjs';

const calls_max = 40;
const refusals_max = 3;

/** Asks until it is refused three times in a row: the statuses. */
export async function spend(stage, provider, headers, more, path = '/v1/chat/completions') {
  const statuses = [];
  let refused = 0;
  for (let i = 0; i < calls_max && refused < refusals_max; ++i) {
    const answer =
      path === '/v1/chat/completions'
        ? await stage.chat(headers, more)
        : await stage.post(path, more, headers);
    statuses.push(answer.status);
    refused = answer.status === 200 ? 0 : refused + 1;
  }
  return statuses;
}

/** Headers of a session that anybody gets. */
export async function anonymous_session(stage) {
  const answer = await ask(stage.relay, { method: 'POST', path: '/api/session' });
  return answer.status === 200 ? bearer(answer.json().token) : {};
}

/** What the relay says that this caller has spent today, in microdollars. */
export async function engaged(stage, headers) {
  return (await stage.get('/api/usage', headers)).json().day.engaged_microusd;
}

/** How many calls of this caller the ledger has this month. */
export async function calls_of(stage, headers) {
  const { month } = (await stage.get('/api/usage', headers)).json();
  return month.models.reduce((sum, { calls }) => sum + calls, 0);
}

/** What the ledger's rows of this month cost this caller together, in microdollars. */
export async function ledger_of(stage, headers) {
  const { month } = (await stage.get('/api/usage', headers)).json();
  return month.models.reduce((sum, { cost_microusd }) => sum + cost_microusd, 0);
}
