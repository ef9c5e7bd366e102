import { readdirSync } from 'node:fs';
import { defineConfig } from 'eslint/config';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Where code of ours lies. */
const ROOTS = ['src', 'cdk8s', 'test', 'scripts', 'bench'];

/** Tests may import all. */
const TESTS = ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts', 'src/*/testing/**/*.ts'];

/** Who may import whom: a folder or file, and those of ours that it may import besides itself. ARCHITECTURE.md says why. */
const LAYERS = {
  'src/log.ts': [],
  'src/clock.ts': [],
  'src/config.ts': [],
  'src/kube': ['src/log.ts', 'src/clock.ts'],
  'src/runtime': ['src/kube', 'src/log.ts', 'src/clock.ts'],
  'src/api': [],
  'src/mesh': ['src/api'],
  cdk8s: ['src/api', 'src/mesh'],
  'src/controllers': ['src/runtime', 'src/kube', 'src/api', 'src/mesh', 'cdk8s', 'src/log.ts', 'src/clock.ts'],
  'src/cli': ['src/kube', 'src/api', 'src/mesh', 'cdk8s', 'src/log.ts', 'src/clock.ts', 'src/config.ts'],
  'src/sandbox': ['src/kube', 'src/api', 'src/log.ts', 'src/clock.ts'],
};

/** Folders that only compute, and the packages that they may import: no cluster, no files, no environment. */
const PURE = {
  'src/api': ['zod'],
  'src/mesh': [],
  cdk8s: ['cdk8s', 'cdk8s-plus-28', 'constructs', 'yaml', 'node:crypto'],
};

/** Entry points of the product meet the sandbox over HTTP only. */
const ENTRY_POINTS = ['src/main.ts', 'src/manifests.ts', 'src/install.ts'];

/** Controllers meet only in the cluster. */
const CONTROLLERS = readdirSync(new URL('src/controllers', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** `no-restricted-paths` wants what is forbidden: everything of ours, with exceptions in each root. */
function zones([target, allowed]) {
  const open = [target, ...allowed];
  const message = `${target} may import ${allowed.length > 0 ? allowed.join(', ') : 'nothing of ours'} besides itself`;
  return ROOTS.filter((root) => !open.includes(root)).map((root) => ({
    target: `./${target}`,
    from: `./${root}`,
    except: open.filter((path) => path.startsWith(`${root}/`)).map((path) => `.${path.slice(root.length)}`),
    message,
  }));
}

const siblings = CONTROLLERS.map((name) => ({
  target: `./src/controllers/${name}`,
  from: './src/controllers',
  except: [
    `./${name}`,
    './class-parameters.ts',
    './istio-configuration.ts',
    './stored-pod.ts',
    './use-waypoint.ts',
    './created-waypoint.ts',
    './listed.ts',
    './managed-fields.ts',
    './argo-rollouts.ts',
    './own-config-maps.ts',
    './foreign-endpoints.ts',
  ],
  message: 'controllers meet only in the cluster; what they share stands beside them',
}));

const fromSandbox = ENTRY_POINTS.map((target) => ({
  target: `./${target}`,
  from: './src/sandbox',
  message: 'the sandbox is met over HTTP',
}));
const fromTests = ['src', 'cdk8s'].map((root) => ({
  target: `./${root}`,
  from: './test',
  message: 'only tests import tests',
}));

/** The environment is read in one place; `node:process` would be a way around. */
const noEnvironment = {
  'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'read it in src/config.ts' }],
};
const noProcessImport = { name: 'node:process', importNames: ['env'], message: 'read it in src/config.ts' };

export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'bin/', '.cache/', '.sidestep/', 'coverage/', '**/*.js'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: import.meta.dirname })],
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // A lost promise here is a lost reconcile.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Numbers in messages are plain text; objects are not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `async` without `await` turns what is thrown into a rejection, as an asynchronous interface promises.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-self-import': 'error',
      ...noEnvironment,
      'no-restricted-imports': ['error', { paths: [noProcessImport] }],
    },
  },
  {
    files: ['src/**/*.ts', 'cdk8s/**/*.ts'],
    ignores: TESTS,
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        {
          basePath: import.meta.dirname,
          zones: [...Object.entries(LAYERS).flatMap(zones), ...siblings, ...fromSandbox, ...fromTests],
        },
      ],
    },
  },
  ...Object.entries(PURE).map(([folder, packages]) => ({
    files: [`${folder}/**/*.ts`],
    ignores: TESTS,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [noProcessImport],
          patterns: [
            {
              regex: `^(?!\\.${packages.map((name) => `|${name}$`).join('')})`,
              message: `${folder} only computes: it may import ${packages.join(', ') || 'no package'}`,
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval'],
    },
  })),
  {
    // The log of the operator is structured. Programs that people start talk to them.
    files: ['scripts/**/*.ts', 'src/**/*-main.ts', ...TESTS],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['src/config.ts', 'scripts/**/*.ts', ...TESTS],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' },
  },
  {
    files: TESTS,
    rules: {
      // Tests look into answers that have no type.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
