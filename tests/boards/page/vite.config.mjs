// The packages lie in the cache, behind the link node_modules; the result goes where whoever builds says.
export default {
  build: { chunkSizeWarningLimit: 1e6, minify: false, emptyOutDir: true, modulePreload: false },
  esbuild: { jsx: 'automatic' },
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warn',
};
