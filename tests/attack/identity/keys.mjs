// A game's key signs for its own game.
import { shown } from '../stage.mjs';
import { hs256, soon } from '../../relay/signed_token.mjs';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const usage = async (stage, headers) => (await stage.get('/api/usage', headers)).status;

export const attacks = [
  {
    name: 'signing for another tenant',
    tried:
      'keys of alpha, of beta and gamma, and of no tenant sign for alpha, beta, gamma, default, odd spellings and none',
    expected: "200 for a key's own tenants (default for the key without one), else 401",
    async run(stage) {
      await stage.start();
      const wrong = [];
      const odd = [
        '',
        'ALPHA',
        'alpha ',
        'alpha\u0000',
        'alpha,beta',
        '*',
        'anonymous',
        null,
        ['alpha'],
        7,
      ];
      const own = { plain: ['default'], alpha: ['alpha'], beta: ['beta', 'gamma'] };
      for (const kid of ['plain', 'alpha', 'beta']) {
        for (const tenant of ['alpha', 'beta', 'gamma', 'default', ...odd]) {
          const status = await usage(stage, stage.as(kid, 'x', { tenant }));
          const right =
            own[kid].includes(tenant) || (tenant === null && kid === 'plain') ? 200 : 401;
          if (status !== right) wrong.push(`${kid} for ${JSON.stringify(tenant)}: ${status}`);
        }
        const status = await usage(stage, stage.as(kid, 'x', { tenant: undefined }));
        if (status !== (kid === 'plain' ? 200 : 401)) wrong.push(`${kid} for nobody: ${status}`);
      }
      return { held: wrong.length === 0, seen: wrong.slice(0, 6).join(', ') || 'as it should be' };
    },
  },
  {
    name: "another key's name",
    tried:
      "alpha's secret under the kid of beta, of nobody, of a path, and without one; alg none and HS512",
    expected: '401',
    async run(stage) {
      await stage.start();
      const claims = { sub: 'x', aud: 'redoubt', exp: soon(), tenant: 'beta' };
      const secret = stage.keys.secret_of('alpha');
      const statuses = [];
      for (const header of [
        { alg: 'HS256', kid: 'beta' },
        { alg: 'HS256', kid: 'nobody' },
        { alg: 'HS256', kid: '../alpha' },
        { alg: 'HS256' },
        { alg: 'none', kid: 'beta' },
        { alg: 'HS512', kid: 'alpha' },
        { alg: 'HS256', kid: 'alpha', jwk: { kty: 'oct', k: 'AAAA' } },
      ]) {
        statuses.push(
          await usage(stage, { Authorization: `Bearer ${hs256(claims, secret, header)}` }),
        );
      }
      return { held: statuses.every((status) => status === 401), seen: shown(statuses) };
    },
  },
  {
    name: "NextAuth's secret",
    tried: "tokens of NextAuth's secret with the tenants alpha, beta, anonymous and default",
    expected: '401 for all but default',
    async run(stage) {
      const secret = randomBytes(32).toString('base64');
      writeFileSync(stage.at('nextauth'), secret, { mode: 0o600 });
      await stage.start(undefined, { REDOUBT_TOKENS_NEXTAUTH_SECRET_FILE: stage.at('nextauth') });
      const status = (more) =>
        usage(stage, {
          Authorization: `Bearer ${hs256({ sub: 'x', exp: soon(), ...more }, secret)}`,
        });
      const refused = [];
      for (const tenant of ['alpha', 'beta', 'anonymous']) refused.push(await status({ tenant }));
      const good = [await status({}), await status({ tenant: 'default' })];
      return {
        held: refused.every((s) => s === 401) && good.every((s) => s === 200),
        seen: shown({ refused, good }),
      };
    },
  },
  {
    name: 'names that look like others',
    tried: 'subjects with controls, line ends, bidi marks, zero-width characters, and broken UTF-8',
    expected: '401 from tokens, 400 from POST /api/session',
    async run(stage) {
      await stage.start();
      const bad = [
        'a\u0000b',
        'a\nb',
        'a\u001b[31mb',
        'a\u007fb',
        'a\u0085b',
        'a\u009bb',
        'a\u202eb',
        'a\u2066b',
        'a\u2069b',
        'a\u200fb',
        'a\u061cb',
        'a\u2028b',
        '',
        'x'.repeat(257),
      ];
      const taken = [];
      for (const sub of bad) {
        const shown_sub = JSON.stringify(sub).slice(0, 20);
        if ((await usage(stage, stage.as('alpha', sub))) !== 401) taken.push(`token ${shown_sub}`);
        if ((await stage.session({ sub })).status !== 400) taken.push(`session ${shown_sub}`);
      }
      const good = [];
      for (const sub of ['Ada Lovelace', 'é', '李', '🙂', 'a@b.example', 'x'.repeat(256)])
        good.push(await usage(stage, stage.as('alpha', sub)));
      return {
        held: taken.length === 0 && good.every((status) => status === 200),
        seen: `taken: ${taken.join(', ') || 'none'}; good names: ${shown(good)}`,
      };
    },
  },
];
