#!/usr/bin/env node
// The `sallyport` command of a checkout, under whichever Node the shell has. It installs nothing.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../tools/launcher/install.mjs'
import { runProgram } from '../../tools/launcher/main.mjs'
import { explaining, Problem } from '../../tools/launcher/problem.mjs'
import { findNode } from '../../tools/launcher/runtime.mjs'

await explaining(() => {
  const node = findNode()
  if (node === null || !existsSync(join(root, 'node_modules'))) {
    throw new Problem('nothing is installed yet: run `npm start` or `npm test` once in this folder first.')
  }
  return runProgram(node, 'cli/src/main.ts', process.argv.slice(2))
})
