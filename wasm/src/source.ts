/** Maps, seeds and rules as the core takes them: texts. */
import { jsonText } from './arguments.js';
import { describeValue, EngineError } from './errors.js';
import type { MapInfo, MapSource, ResourceType } from './types.js';
import { RESOURCES } from './types.js';

export interface MapText {
  kind: 'generate' | 'tiled' | 'wesnoth' | 'compact';
  text: string;
  name: string;
}

const kinds = ['generate', 'tiled', 'wesnoth', 'compact'] as const;

export function mapText(source: MapSource): MapText {
  const given = Object(source) as Record<string, unknown>;
  const kind = kinds.find((name) => given[name] !== undefined && given[name] !== null);
  if (!kind) {
    throw new EngineError(
      'bad_map',
      'map: give one of {generate}, {tiled}, {wesnoth} or {compact}, e.g. map: { generate: {} }.',
      { path: 'map', expected: kinds.join(', '), got: describeValue(source) },
    );
  }
  const name = typeof given.name === 'string' ? given.name : '';
  const value = given[kind];
  if (kind === 'generate') return { kind, text: generateText(value as object), name };
  const text = typeof value === 'string' ? value : jsonText(`map.${kind}`, value, 'bad_map');
  return { kind, text, name };
}

function generateText(options: object): string {
  const seed = (options as { seed?: unknown }).seed;
  const seeded =
    seed === undefined ? options : { ...options, seed: seedText(seed, 'map.generate.seed') };
  return jsonText('map.generate', seeded, 'bad_map');
}

/** A 64-bit seed as decimal digits. Code bad_argument where it is none. */
export function seedText(seed: unknown = 1, path = 'seed'): string {
  const text = typeof seed === 'number' && !Number.isSafeInteger(seed) ? '' : String(seed);
  if (!/^[0-9]{1,20}$/.test(text) || BigInt(text) >= 1n << 64n) {
    throw new EngineError(
      'bad_argument',
      `${path}: expected a whole number from 0 to 2^64-1 (a string or bigint above 2^53), got ${describeValue(seed)}.`,
      { path, expected: '0..18446744073709551615', got: describeValue(seed) },
    );
  }
  return text;
}

export function rulesText(rules: string | object | undefined): string {
  if (rules === undefined || rules === null) return '';
  return typeof rules === 'string' ? rules : jsonText('rules', rules, 'bad_rules');
}

interface MapJson extends Omit<MapInfo, 'terrain' | 'bases' | 'sites'> {
  terrain: string;
  bases: number[];
  sites: [number, number][];
}

/** The map as the core describes it. */
export function mapInfo(json: string): MapInfo {
  const map = JSON.parse(json) as MapJson;
  return {
    ...map,
    terrain: Uint8Array.from(map.terrain, Number),
    bases: Uint16Array.from(map.bases),
    sites: map.sites.map(([cell, type]) => ({ cell, type: RESOURCES[type] as ResourceType })),
  };
}
