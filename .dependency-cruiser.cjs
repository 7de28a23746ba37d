/**
 * Which side may import which. Dependencies point one way: core stands on nothing, scenarios and checker on core, runtime-sim on those three,
 * runtime-real on core, jepsen-ts and bench on top. Type-only imports count as imports here: a circle of types is still a circle to a reader.
 */
const test = '\\.test\\.ts$';
const packages = (...names) => `node_modules/(${names.map((name) => `(@types/)?${name}`).join('|')})/`;

/** Sources of `side` may import only what `allowed` matches. Tests may use packages and Node too, never other sides. */
const standsOn = (side, allowed, why) => [
  { name: `${side}-stands-on`, comment: why, severity: 'error', from: { path: `^${side}/`, pathNot: test }, to: { pathNot: allowed } },
  {
    name: `${side}-tests-stand-on`,
    comment: why,
    severity: 'error',
    from: { path: `^${side}/.*${test}` },
    to: { path: '^(core|checker|scenarios|runtime-sim|runtime-real|jepsen-ts|bench|tools)/', pathNot: allowed },
  },
];

/** Sources of `side` may import any package, but of the other sides only those in `allowed`. */
const knows = (side, allowed, why) => ({
  name: `${side}-knows`,
  comment: why,
  severity: 'error',
  from: { path: `^${side}/` },
  to: { path: '^(core|checker|scenarios|runtime-sim|runtime-real|jepsen-ts|bench|tools)/', pathNot: `^(${[side, ...allowed].join('|')})/` },
});

module.exports = {
  forbidden: [
    ...standsOn('core', [`^core/`, packages('immer', '@bufbuild/protobuf')], 'Law 1: core imports nothing that can touch the world.'),
    ...standsOn('checker', ['^(checker|core)/'], 'A checker knows neither runtime: it judges a history.'),
    ...standsOn(
      'scenarios',
      ['^(scenarios|core|checker)/', packages('seedrandom')],
      'A scenario is data that either runtime can carry out.',
    ),
    {
      name: 'scenarios-name-checkers-only',
      comment: 'A scenario names its checkers; it does not run them.',
      severity: 'error',
      from: { path: '^scenarios/' },
      to: { path: '^checker/', dependencyTypesNot: ['type-only'] },
    },
    knows('runtime-sim', ['core', 'scenarios', 'checker'], 'The simulator carries out scenarios with the core and the checkers.'),
    knows('runtime-real', ['core'], 'The production runtime knows the core only.'),
    knows('jepsen-ts', ['core', 'scenarios', 'checker', 'runtime-sim', 'runtime-real'], 'jepsen-ts stands on top of the runtimes.'),
    knows('tools', ['runtime-sim', 'scenarios', 'checker', 'core'], 'Tools look after the repository; nothing builds on them.'),
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'nothing-builds-on-tests', severity: 'error', from: { pathNot: test }, to: { path: test } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'sources-run-without-development-packages',
      severity: 'error',
      from: { path: '^(core|checker|scenarios|runtime-sim|runtime-real)/', pathNot: test },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^tools/fixtures/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
