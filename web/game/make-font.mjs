// Cuts the page's font out of Inter: the weights and characters that the page uses.
//
//   apt-get install python3-fonttools python3-brotli && node web/game/make-font.mjs
//
// Run it after a change of the package @fontsource-variable/inter and commit what it makes.
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WEIGHTS = 'wght=400:650';
/** Latin-1 (names of maps, too), dashes, quotes, the ellipsis, arrows, minus. */
const CHARACTERS =
  'U+20-7E,U+A0-FF,U+2013,U+2014,U+2018,U+2019,U+201C,U+201D,U+2022,U+2026,U+2190-2193,U+2212';
const FEATURES = 'kern,tnum,ccmp';

const inter = join(import.meta.dirname, '../../node_modules/@fontsource-variable/inter');
const into = join(import.meta.dirname, 'src/fonts');
const folder = await mkdtemp(join(tmpdir(), 'redoubt-font-'));
const python = (...args) => execFileSync('/usr/bin/python3', ['-m', ...args], { stdio: 'inherit' });

const whole = join(inter, 'files/inter-latin-wght-normal.woff2');
const lighter = join(folder, 'inter.ttf');
const made = join(into, 'inter.woff2');
python('fontTools.varLib.instancer', whole, WEIGHTS, '-o', lighter);
python(
  'fontTools.subset',
  lighter,
  `--unicodes=${CHARACTERS}`,
  `--layout-features=${FEATURES}`,
  '--flavor=woff2',
  `--output-file=${made}`,
);
await copyFile(join(inter, 'LICENSE'), join(into, 'LICENSE'));
await rm(folder, { recursive: true });
console.log(`${made}: ${((await stat(made)).size / 1000).toFixed(1)} KB`);
