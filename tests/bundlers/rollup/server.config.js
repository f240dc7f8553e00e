import { nodeResolve } from '@rollup/plugin-node-resolve';

export default {
  input: 'print.js',
  output: { inlineDynamicImports: true },
  plugins: [nodeResolve({ exportConditions: ['node'], preferBuiltins: true })],
};
