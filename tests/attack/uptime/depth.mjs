// Bodies whose text lies deep: whoever walks them container by container goes through it once a level.
// Their callers send one after the other, without an end, while another tenant asks.
import { counted, shown } from '../stage.mjs';

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const callers = 5;
const watched_ms = 4_000;

const nested = (levels, inside, around) => {
  let text = inside;
  for (let i = 0; i < levels; ++i) text = around(text);
  return text;
};
const long = (bytes) => `"${'a'.repeat(bytes)}"`;
const in_message = (content) => `{"messages":[{"role":"user","content":${content}}]}`;
const tools = (list) => `{"input":"a","tools":${list}}`;

const results = (levels, bytes) =>
  in_message(
    nested(levels, long(bytes), (content) => `[{"type":"search_result","content":${content}}]`),
  );
const documents = (levels, bytes) =>
  in_message(
    nested(
      levels,
      long(bytes),
      (content) => `[{"type":"document","source":{"type":"content","content":${content}}}]`,
    ),
  );
const namespaces = (levels, bytes) =>
  tools(
    nested(
      levels,
      `[{"type":"x","name":${long(bytes)}}]`,
      (list) => `[{"type":"namespace","tools":${list}}]`,
    ),
  );

const mb = 1 << 20;
const anthropic = '/v1/messages/count_tokens';
const responses = '/v1/responses/input_tokens';
/** {name: {path, body}} */
const shapes = {
  'results in results': { path: anthropic, body: results(46, 7 * mb) },
  'documents in documents': { path: anthropic, body: documents(31, 7 * mb) },
  'namespaces in namespaces': { path: responses, body: namespaces(46, 7 * mb) },
  'small bodies': { path: anthropic, body: results(46, 60_000) },
};

export const attacks = Object.entries(shapes).map(([name, { path, body }]) => ({
  name,
  tried: `${callers} callers who count the tokens of ${(body.length / mb).toFixed(1)} MB, and another tenant's chats meanwhile`,
  expected: 'others are answered; health as promised',
  async run(stage) {
    const mock = await stage.mock();
    await stage.start(mock);
    let over = false;
    const said = [];
    const flood = Array.from({ length: callers }, async (_, i) => {
      while (!over)
        said.push((await stage.post(path, body, stage.as('alpha', `player-${i}`))).status);
    });
    const others = [];
    for (let ms = 0; ms < watched_ms; ms += 250) {
      others.push((await stage.chat(stage.as('beta', `other-${ms}`))).status);
      await pause(250);
    }
    over = true;
    await Promise.all(flood);
    return {
      held: others.every((status) => status === 200) && said.every((status) => status !== 500),
      seen: `${shown(counted(said))}; others: ${shown(counted(others))}`,
    };
  },
}));
