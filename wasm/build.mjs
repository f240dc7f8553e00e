#!/usr/bin/env node
// Builds the package into wasm/dist: the WebAssembly (preset wasm), the bundles, the types.
//
//   node build.mjs [--no-core]     --no-core: the WebAssembly is there already
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { parse } from 'yaml';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const built = `${root}build/wasm/wasm/`;
const cores = ['engine-core', 'workflow-core', 'model-core'];
const workers = ['engine-worker', 'workflow-worker'];
const texts = [...cores.map((name) => `${name}-base64`), ...workers.map((name) => `${name}-text`)];
const core = `${built}engine-core`;
const shipped = `${built}shipped_workflows.js`;
const dist = `${here}dist`;
const target = 'es2022';

function run(command, args, cwd = root) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

function buildCores() {
  if (!existsSync(`${root}build/wasm/build.ninja`)) run('cmake', ['--preset', 'wasm']);
  run('ninja', ['-C', 'build/wasm', '--quiet', ...cores]);
}

/** The shipped workflows as a module: pages have no reader of YAML. */
function writeWorkflows() {
  const folder = `${root}engine/workflows/`;
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const list = files.sort().map((file) => ({
    name: file.slice(0, -'.yaml'.length),
    file: parse(readFileSync(folder + file, 'utf8')),
  }));
  writeFileSync(shipped, `export default ${JSON.stringify(list)};\n`);
}

/** A string as a module, for what the inline entries carry in themselves. */
function writeText(name, text) {
  writeFileSync(`${built}${name}.js`, `export default ${JSON.stringify(text)};\n`);
}

/** What the core says of itself; it is also what the facade demands of the .wasm that it loads. */
async function versions() {
  const { default: createCore } = await import(`file://${core}.js`);
  const module = await createCore({
    instantiateWasm(imports, done) {
      WebAssembly.instantiate(readFileSync(`${core}.wasm`), imports).then(({ instance }) =>
        done(instance),
      );
      return {};
    },
  });
  const { version } = JSON.parse(readFileSync(`${here}package.json`, 'utf8'));
  return { version, ...JSON.parse(module.versions()) };
}

/** Bundles scripts with what they import, but for `external`. */
async function bundle(input, define, external = []) {
  const bundled = await rolldown({
    input,
    external,
    resolve: {
      alias: {
        '#engine-core': `${built}engine-core.js`,
        '#workflow-core': `${built}workflow-core.js`,
        '#model-core': `${built}model-core.js`,
        '#shipped-workflows': shipped,
        ...Object.fromEntries(texts.map((name) => [`#${name}`, `${built}${name}.js`])),
      },
    },
    transform: { define, target },
    treeshake: true,
  });
  await bundled.write({
    dir: dist,
    format: 'esm',
    minify: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    comments: false,
  });
  await bundled.close();
}

function size(file) {
  return gzipSync(readFileSync(`${dist}/${file}`), { level: 9 }).length;
}

if (!process.argv.includes('--no-core')) buildCores();
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const name of cores) copyFileSync(`${built}${name}.wasm`, `${dist}/${name}.wasm`);
writeWorkflows();

const define = {
  REDOUBT_VERSIONS: JSON.stringify(await versions()),
  // Emscripten's glue looks for Node, which it is not built for; tools see a need of a stand-in.
  process: 'undefined',
};
const sources = (names) => Object.fromEntries(names.map((name) => [name, `${here}src/${name}.ts`]));
// The workers' scripts run in a world of their own and stand alone.
for (const name of workers) await bundle(sources([name]), define);
for (const name of cores)
  writeText(`${name}-base64`, readFileSync(`${built}${name}.wasm`).toString('base64'));
for (const name of workers) writeText(`${name}-text`, readFileSync(`${dist}/${name}.js`, 'utf8'));
// One set with shared chunks: EngineError must be one class in all of them.
const entries = ['index', 'worker', 'workflows', 'models'];
await bundle(sources(entries), define);
await bundle(
  sources(['inline', 'inline_worker', 'inline_workflows', 'inline_models']),
  define,
  entries.map((name) => `./${name}.js`),
);
run(`${root}node_modules/.bin/tsc`, ['-p', 'tsconfig.json'], here);

const kb = (files) => (files.reduce((sum, file) => sum + size(file), 0) / 1024).toFixed(1);
const facade = readdirSync(dist).filter((file) =>
  /^(?!worker|engine-worker|workflow|models|inline|embedded).*\.js$/.test(file),
);
console.log(`size: engine-core.wasm ${kb(['engine-core.wasm'])} KB gz`);
console.log(`size: facade and glue ${kb(facade)} KB gz (${facade.join(', ')})`);
console.log(`size: both ${kb(['engine-core.wasm', ...facade])} KB gz`);
console.log(
  `size: workflow-core.wasm ${kb(['workflow-core.wasm'])} KB gz, workflows.js ${kb(['workflows.js'])} KB gz, workflow-worker.js ${kb(['workflow-worker.js'])} KB gz`,
);
console.log(
  `size: model-core.wasm ${kb(['model-core.wasm'])} KB gz, models.js ${kb(['models.js'])} KB gz`,
);
console.log(
  `size: engine-worker.js ${kb(['engine-worker.js'])} KB gz, inline.js with its core ${kb(['inline.js', 'embedded_engine.js'])} KB gz`,
);
