import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')

/** Packages that are put into the program: plain JavaScript that loads no files beside itself. */
const bundled = ['@sallyport/', 'commander', 're2js', 'uqr', 'yaml', 'zod']
const isBundled = (id: string) => /^[./]/.test(id) || bundled.some((name) => id.startsWith(name))

/**
 * Makes the serial gate's own package in `folder`: one program with all that it needs of ours and of the
 * packages that are plain JavaScript, whose licences it carries along.
 */
export async function packShim(folder: string): Promise<{ tarball: string; dependencies: string[] }> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'bin'), { recursive: true })
  const build = await rolldown({
    input: join(root, 'cli/src/shim-main.ts'),
    platform: 'node',
    external: (id) => !isBundled(id),
    // An import whose names nobody uses is left out: a mailer, a database driver.
    treeshake: { moduleSideEffects: (id) => id.endsWith('/shim-main.ts') },
    logLevel: 'silent',
  })
  const { output } = await build.write({
    ...{ dir: join(folder, 'bin'), format: 'esm', entryFileNames: 'sallyport.mjs' },
    ...{ chunkFileNames: '[name]-[hash].mjs' },
  })
  await build.close()
  const chunks = output.filter((part) => part.type === 'chunk')
  const imported = new Set(chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]))
  const dependencies = [...imported].filter((id) => !isBuiltin(id) && !id.endsWith('.mjs')).sort()
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(dependencies), null, 2)}\n`)
  const program = join(folder, 'bin/sallyport.mjs')
  writeFileSync(program, `#!/usr/bin/env node\n${readFileSync(program, 'utf8')}`)
  chmodSync(program, 0o755)
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licences(chunks.flatMap(({ moduleIds }) => moduleIds)))
  for (const file of ['LICENSE', 'shim.example.yaml', 'deploy/sallyport-shim.service'])
    copyFileSync(join(root, file), join(folder, file.replace(/.*\//, '')))
  const { stdout, status } = spawnSync('npm', ['pack', '--json', '--silent'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error('npm pack failed')
  return {
    tarball: join(folder, (JSON.parse(stdout) as { filename: string }[])[0]!.filename),
    dependencies,
  }
}

function manifest(dependencies: readonly string[]) {
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'))
  const { version, license, engines, dependencies: cli } = read('cli/package.json')
  const versions = { ...cli, ...read('gates/serial/package.json').dependencies }
  return {
    ...{ name: '@sallyport/shim', version, license, engines, type: 'module' },
    description: 'The serial gate of Sallyport: authentication in front of a serial port',
    bin: { sallyport: './bin/sallyport.mjs' },
    files: ['bin', 'THIRD-PARTY-LICENSES', 'shim.example.yaml', 'sallyport-shim.service'],
    dependencies: Object.fromEntries(dependencies.map((name) => [name, versions[name]])),
  }
}

function licences(modules: readonly string[]): string {
  const folders = new Set(
    modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? []),
  )
  return [...folders]
    .sort()
    .map((folder) => {
      const name = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))
      if (name === undefined) throw new Error(`${folder} names no licence`)
      return `${folder.replace(/^.*\/node_modules\//, '')}\n\n${readFileSync(join(folder, name), 'utf8')}`
    })
    .join('\n----\n\n')
}

if (import.meta.main) {
  const { tarball } = await packShim(resolve(process.argv[2] ?? join(root, '.cache/shim')))
  console.log(`packed: ${tarball}`)
}
