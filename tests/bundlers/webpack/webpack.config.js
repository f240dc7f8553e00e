export default {
  mode: 'production',
  entry: './main.js',
  performance: { hints: false },
  devServer: { static: '.', hot: false, liveReload: false },
};
