import type { IForbiddenRuleType } from 'dependency-cruiser'

/** The layers and what each may import of ours, besides itself. Everything else is a breach. */
const layers = {
  core: [],
  protocol: ['core'],
  store: ['core'],
  adapters: ['core'],
  gates: ['core', 'protocol'],
  sdk: ['protocol'],
  web: ['sdk'],
  cli: ['core', 'protocol', 'store', 'adapters', 'gates', 'sdk', 'tools'],
  examples: ['core', 'protocol', 'store', 'adapters', 'sdk'],
  bench: ['core', 'protocol', 'store', 'adapters', 'gates', 'sdk'],
  tools: [],
  test: ['core', 'protocol', 'store', 'adapters', 'gates', 'sdk', 'web', 'cli', 'examples', 'bench', 'tools'],
} as const satisfies Record<string, readonly string[]>

export const layerNames = Object.keys(layers)

/** In `core/src/factors`: what factors share, and what is no factor but looks at several of them. */
const sharedByFactors = '^core/src/factors/(factor\\.ts$|shared/)'
const aboveFactors = '^core/src/factors/shape\\.ts$'

/** The ports name the domain's types and the domain names the ports: these imports make no cycle. */
export const portsFile = 'core/src/store.ts'

// A folder of gates or of examples holds several packages, which are strangers to each other.
const packageFolder = '^((?:gates|examples)/[^/]+|[^/]+)/'
const anyLayer = `^(${layerNames.join('|')})/`
const tests = '\\.(test|fixture)\\.ts$|/testing/|^test/'
// Beside the source a test may wire real parts of other layers together, except in core.
const source = (layer: string) => ({ path: `^${layer}/`, pathNot: layer === 'core' ? '^$' : tests })

const layerRules = Object.entries(layers).map(
  ([layer, allowed]): IForbiddenRuleType => ({
    name: `${layer}-imports`,
    severity: 'error',
    from: source(layer),
    to: { path: anyLayer, pathNot: `^(${[layer, ...allowed].join('|')})/` },
  }),
)

export const rules: IForbiddenRuleType[] = [
  ...layerRules,
  {
    name: 'strangers',
    severity: 'error',
    from: { path: '^(gates|examples)/([^/]+)/' },
    to: { path: '^$1/', pathNot: '^$1/$2/' },
  },
  {
    name: 'core-pure',
    severity: 'error',
    from: { path: '^core/', pathNot: tests },
    to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
  },
  {
    name: 'few-packages',
    severity: 'error',
    from: { path: '^(core|protocol)/', pathNot: tests },
    to: { path: 'node_modules/', pathNot: 'node_modules/(zod|uqr)/' },
  },
  {
    name: 'protocol-types-only',
    severity: 'error',
    from: { path: '^protocol/', pathNot: tests },
    to: { path: '^core/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'factor-siblings',
    severity: 'error',
    from: { path: '^core/src/factors/', pathNot: `${tests}|${aboveFactors}|${sharedByFactors}` },
    to: { path: '^core/src/factors/', pathNot: sharedByFactors },
  },
  {
    name: 'shared-by-factors',
    severity: 'error',
    from: { path: sharedByFactors, pathNot: tests },
    to: { path: '^core/src/factors/', pathNot: sharedByFactors },
  },
  {
    name: 'through-the-index',
    severity: 'error',
    // Tests and the benchmarks' fixtures wire the product themselves, as the command line does.
    from: { path: packageFolder, pathNot: '^test/|^bench/.*\\.fixture\\.ts$' },
    to: { path: anyLayer, pathNot: ['^$1/', '^tools/', '^test/support/'], dependencyTypes: ['local'] },
  },
  {
    name: 'resolvable',
    severity: 'error',
    from: { path: anyLayer },
    to: { couldNotResolve: true },
  },
]
