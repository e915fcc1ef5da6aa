import { defineConfig } from 'vite'

/** Relative asset addresses, so that the page works below any path; nothing is fetched from elsewhere. */
export default defineConfig({
  base: './',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined assets would need data: in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
