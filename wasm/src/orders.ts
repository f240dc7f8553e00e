/** Orders as packed records of eleven 32-bit words, checked on the way in. */
import { describeValue, EngineError } from './errors.js';
import { ORDER_KINDS, ROLES } from './types.js';
import type { Attributes, Order, TeamId } from './types.js';

const orderWords = 11;
export const order_bytes = 4 * orderWords;
const attributeNames: readonly (keyof Attributes)[] = [
  'speed',
  'health',
  'attack',
  'defense',
  'carryCapacity',
];
/** A tick takes at most this many orders; more is a mistake of the caller. */
export const orders_max = 1024;

function refuse(
  path: string,
  expected: string,
  got: unknown,
  code: 'bad_order' | 'bad_attributes',
): never {
  const shown = describeValue(got);
  throw new EngineError(code, `${path}: expected ${expected}, got ${shown}.`, {
    path,
    expected,
    got: shown,
  });
}

function integer(path: string, value: unknown, high: number): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > high) {
    refuse(path, `an integer from 0 to ${high}`, value, 'bad_order');
  }
  return value as number;
}

function optional(path: string, value: unknown, high: number): number {
  return value === undefined || value === null ? -1 : integer(path, value, high);
}

function named(path: string, names: readonly string[], value: unknown): number {
  const index = names.indexOf(value as string);
  if (index < 0) refuse(path, `one of ${names.join(', ')}`, value, 'bad_order');
  return index;
}

function attributesOf(path: string, value: unknown): number[] {
  if (typeof value !== 'object' || value === null)
    refuse(path, 'an object', value, 'bad_attributes');
  return attributeNames.map((name) => {
    const points = (value as Record<string, unknown>)[name];
    if (!Number.isInteger(points) || Math.abs(points as number) > 32767) {
      refuse(`${path}.${name}`, 'an integer from 100 to 1000 (permille)', points, 'bad_attributes');
    }
    return points as number;
  });
}

/** Throws bad_order or bad_attributes with the place, e.g. "orders[2].cell". */
export function encodeOrders(orders: readonly Order[] | undefined): Uint8Array {
  if (orders === undefined || orders.length === 0) return new Uint8Array(0);
  if (!Array.isArray(orders)) refuse('orders', 'an array', orders, 'bad_order');
  if (orders.length > orders_max) {
    refuse('orders', `at most ${orders_max} orders a call`, orders.length, 'bad_order');
  }
  const words = new Int32Array(orders.length * orderWords);
  orders.forEach((order, i) => {
    const path = `orders[${i}]`;
    if (typeof order !== 'object' || order === null) refuse(path, 'an object', order, 'bad_order');
    const spawn = order.kind === 'spawn';
    words.set(
      [
        named(`${path}.kind`, ORDER_KINDS, order.kind),
        integer(`${path}.team`, order.team, 3),
        spawn ? -1 : integer(`${path}.agent`, order.agent, 0x7fffffff),
        optional(`${path}.cell`, order.cell, 0xfffe),
        optional(`${path}.target`, order.target, 0x7fffffff),
        spawn ? named(`${path}.role`, ROLES, order.role) : 0,
        ...(spawn ? attributesOf(`${path}.attributes`, order.attributes) : [0, 0, 0, 0, 0]),
      ],
      i * orderWords,
    );
  });
  return new Uint8Array(words.buffer);
}

/** The orders in `bytes`: records as encodeOrders writes them. */
export function decodeOrders(bytes: Uint8Array): Order[] {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const orders: Order[] = [];
  for (let at = 0; at < words.length; at += orderWords) orders.push(decodeOrder(words, at));
  return orders;
}

function decodeOrder(words: Int32Array, at: number): Order {
  const word = (offset: number) => words[at + offset]!;
  const order: Order = { kind: ORDER_KINDS[word(0)]!, team: word(1) as TeamId };
  if (word(2) >= 0) order.agent = word(2);
  if (word(3) >= 0) order.cell = word(3);
  if (word(4) >= 0) order.target = word(4);
  if (order.kind === 'spawn') {
    order.role = ROLES[word(5)]!;
    const [speed, health, attack, defense, carryCapacity] = [6, 7, 8, 9, 10].map(word) as [
      number,
      number,
      number,
      number,
      number,
    ];
    order.attributes = { speed, health, attack, defense, carryCapacity };
  }
  return order;
}
