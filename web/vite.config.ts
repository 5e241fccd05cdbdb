import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { build, defineConfig, type Plugin } from 'vite'

const target = 'es2023'

/** Puts a compressed copy beside each file, so that the server compresses nothing while it runs. */
function compressed(folder: string): Plugin {
  return {
    name: 'compressed',
    writeBundle({ dir }) {
      const path = join(dir!, folder)
      for (const name of readdirSync(path).filter((name) => /\.(js|css|svg)$/.test(name))) {
        const file = join(path, name)
        const bytes = readFileSync(file)
        writeFileSync(`${file}.br`, brotliCompressSync(bytes))
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
      }
    },
  }
}

/** The elements for other people's pages: one file that needs no other, under a name that stays. */
function embedded(): Plugin {
  return {
    name: 'embedded',
    apply: 'build',
    async writeBundle({ dir }) {
      await build({
        configFile: false,
        logLevel: 'warn',
        root: import.meta.dirname,
        plugins: [compressed('embed')],
        build: {
          // The first that know `light-dark()`, by which the page's own colour scheme counts.
          cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
          ...{ target, outDir: dir!, emptyOutDir: false, modulePreload: false, reportCompressedSize: false },
          rollupOptions: {
            input: 'src/embed/sallyport-embed.ts',
            output: { entryFileNames: 'embed/[name].js' },
          },
        },
      })
    },
  }
}

export default defineConfig({
  plugins: [react(), compressed('assets'), embedded()],
  build: {
    target,
    // Nothing is inlined: the pages' policy takes images from files, and scripts from files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  // The server fills in one nonce an answer, for the styles that components add as they are drawn.
  html: { cspNonce: '{{nonce}}' },
  server: { proxy: { '^/(auth|api|healthz|readyz|openapi.json|docs)': 'http://127.0.0.1:8080' } },
})
