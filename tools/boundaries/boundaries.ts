import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult, type IModule } from 'dependency-cruiser'
import { layerNames, portsFile, rules } from './rules.ts'

interface Breach {
  rule: string
  what: string
}

/** Reads every import below `root`; answers how many TypeScript files were seen, and the breaches. */
export async function checkBoundaries(root: string): Promise<{ files: number; breaches: Breach[] }> {
  const folders = layerNames.filter((layer) => existsSync(join(root, layer)))
  const result = await cruise(
    folders,
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: rules },
      tsPreCompilationDeps: 'specify',
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '/(dist|testdata)/' },
    },
    { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  )
  const { modules, summary } = result.output as ICruiseResult
  const files = modules.filter(({ source }) => source.endsWith('.ts') && !source.includes('node_modules'))
  const breaches = summary.violations.map(({ rule, from, to }) => ({
    rule: rule.name,
    what: `${from} → ${to}`,
  }))
  // Its parser may stop knowing TypeScript (version 7 has no API for it) and would then find no fault.
  if (files.length === 0) breaches.push({ rule: 'something-seen', what: 'no TypeScript file was seen' })
  for (const cycle of cyclesIn(files)) breaches.push({ rule: 'no-cycles', what: cycle.join(' → ') })
  return { files: files.length, breaches }
}

/** One cycle for each import that closes one. */
function cyclesIn(modules: readonly IModule[]): string[][] {
  const imports = new Map(modules.map((module) => [module.source, importsOf(module)]))
  const done = new Set<string>()
  const cycles: string[][] = []
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) cycles.push([...path.slice(at), file])
    if (at >= 0 || done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return cycles
}

function importsOf({ source, dependencies }: IModule): string[] {
  const counted = dependencies.filter(({ resolved, dependencyTypes }) => {
    const throughPorts = source === portsFile || resolved === portsFile
    return !(throughPorts && dependencyTypes.includes('type-only'))
  })
  return counted.map(({ resolved }) => resolved)
}

if (import.meta.main) {
  const { files, breaches } = await checkBoundaries(fileURLToPath(new URL('../..', import.meta.url)))
  for (const { rule, what } of breaches) console.error(`${rule}: ${what}`)
  console.log(`${files} files, ${breaches.length} breaches`)
  if (breaches.length > 0) process.exitCode = 1
}
