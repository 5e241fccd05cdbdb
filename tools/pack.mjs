// Run by `npm pack` and `npm publish` before and after: in the checkout a package is its TypeScript
// source, in the registry it is JavaScript. Plain JavaScript itself, for whichever Node the shell has.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from './launcher/install.mjs'
import { explaining, Problem } from './launcher/problem.mjs'
import { findNode } from './launcher/runtime.mjs'

const folder = process.cwd()
const manifest = join(folder, 'package.json')
const licence = join(folder, 'LICENSE')
const dist = join(folder, 'dist')
const original = join(root, '.cache', `${basename(folder)}-package.json`)

function build() {
  const node = findNode()
  const tsc = join(root, 'node_modules', 'ts7', 'bin', 'tsc')
  if (node === null || !existsSync(tsc)) {
    throw new Problem('nothing is installed yet: run `npm test` once in the root folder first.')
  }
  rmSync(dist, { recursive: true, force: true })
  const { status } = spawnSync(node, [tsc, '--project', 'tsconfig.build.json'], { stdio: 'inherit' })
  if (status !== 0) throw new Problem(`${folder} does not build: mend what tsc names above.`)
}

/** Puts the published entry points in place of the source's. The original is kept whole beside. */
function publishManifest() {
  const text = readFileSync(manifest, 'utf8')
  const { publishConfig, ...rest } = JSON.parse(text)
  const { exports, ...config } = publishConfig
  mkdirSync(join(root, '.cache'), { recursive: true })
  writeFileSync(`${original}.new`, text)
  renameSync(`${original}.new`, original)
  writeFileSync(manifest, `${JSON.stringify({ ...rest, exports, publishConfig: config }, null, 2)}\n`)
  copyFileSync(join(root, 'LICENSE'), licence)
}

/** Also finishes what a run that was killed in between had left. */
function restore() {
  rmSync(licence, { force: true })
  if (existsSync(original)) renameSync(original, manifest)
}

await explaining(() => {
  restore()
  if (process.argv[2] !== 'before') return
  build()
  publishManifest()
})
