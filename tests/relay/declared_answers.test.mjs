// That a wrong answer is seen: each row is one that differs from the description in one thing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undeclared } from './declared_answers.mjs';

const json = (schema) => ({ content: { 'application/json': { schema } } });
const document = {
  paths: {
    '/doors/{id}': {
      get: {
        responses: {
          200: json({ $ref: '#/components/schemas/Door' }),
          204: { description: 'It is gone' },
          default: { $ref: '#/components/responses/Refused' },
        },
      },
    },
    '/doors': {
      post: {
        requestBody: json({ $ref: '#/components/schemas/Door' }),
        responses: { 201: { description: 'Built' }, 400: { description: 'Not' } },
      },
    },
    '/doors/all': { get: { responses: { 200: json({ type: 'array' }) } } },
  },
  components: {
    responses: { Refused: json({ type: 'object', required: ['why'] }) },
    schemas: { Door: { type: 'object', properties: { open: { type: 'boolean' } } } },
  },
};

test('an answer that is none of those declared is told, and no other', () => {
  const faults = (path, status, text, type = 'application/json') =>
    undeclared(document, { method: 'GET', path, status, type, text }).join('\n');
  assert.equal(faults('/doors/7?x=1', 200, '{"open":true}'), '');
  assert.equal(faults('/doors/7', 204, ''), '');
  assert.equal(faults('/doors/7', 404, '{"why":"no"}'), '');
  assert.equal(faults('/doors/all', 200, '[]'), '');
  assert.equal(faults('/windows', 200, 'what nobody describes'), '');
  assert.match(faults('/doors/7', 200, '{"open":1}'), /open/);
  assert.match(faults('/doors/all', 200, '{"open":true}'), /array/);
  assert.match(faults('/doors/7', 404, '{"reason":"no"}'), /why/);
  assert.match(faults('/doors/7', 201, '{}'), /the status 201 is not declared/);
  assert.match(faults('/doors/7', 200, '<p>', 'text/html'), /the type text\/html of 200/);
  // What was taken must be what is said to be taken; what was refused need not.
  const taken = (status, body) =>
    undeclared(document, { method: 'POST', path: '/doors', status, body, text: '' }).join('\n');
  assert.equal(taken(201, '{"open":true}'), '');
  assert.equal(taken(400, '{"open":1}'), '');
  assert.match(taken(201, '{"open":1}'), /its body .*open/);
});
