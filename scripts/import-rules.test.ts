import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it, test } from 'vitest';

const cwd = fileURLToPath(new URL('..', import.meta.url));

// Without the rules that need types: loading those of the whole repository takes longer than all other tests.
const eslint = new ESLint({ cwd, overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }] });

/** Rules that a file would break if it had this text. */
async function broken(filePath: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${text}\n`, { filePath });
  const rules = (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
  return [...new Set(rules.filter((rule) => rule !== '@typescript-eslint/no-unused-vars'))];
}

describe('lint', { timeout: 30_000 }, () => {
  test.each([
    ['src/log.ts', '../cdk8s/install.js'],
    ['src/clock.ts', './log.js'],
    ['src/kube/patch.ts', '../runtime/work-queue.js'],
    ['src/kube/patch.ts', '../api/labels.js'],
    ['src/runtime/work-queue.ts', '../api/labels.js'],
    ['src/runtime/work-queue.ts', '../controllers/index.js'],
    ['src/api/labels.ts', '../kube/resource.js'],
    ['src/api/labels.ts', '../mesh/findings.js'],
    ['src/mesh/findings.ts', '../kube/resource.js'],
    ['cdk8s/install.ts', '../src/kube/resource.js'],
    ['cdk8s/install.ts', '../src/controllers/rbac.js'],
    ['src/sandbox/simulators/informers.ts', '../../runtime/work-queue.js'],
    ['src/sandbox/simulators/informers.ts', '../../controllers/rbac.js'],
    ['src/controllers/rbac.ts', '../sandbox/simulators/informers.js'],
    ['src/cli/program.ts', '../controllers/rbac.js'],
    ['src/cli/program.ts', '../runtime/work-queue.js'],
    ['src/install.ts', './sandbox/simulators/informers.js'],
    ['src/kube/patch.ts', '../../test/support/fake-clock.js'],
  ])('refuses %s the import of %s, be it of a type', async (file, path) => {
    expect(await broken(file, `import * as a from '${path}'; export const b = a;`)).toEqual([
      'import-x/no-restricted-paths',
    ]);
    expect(await broken(file, `import type * as a from '${path}'; export type B = typeof a;`)).toEqual([
      'import-x/no-restricted-paths',
    ]);
  });

  test.each([
    ['src/kube/patch.ts', '../clock.js'],
    ['src/runtime/work-queue.ts', '../kube/resource.js'],
    ['src/mesh/findings.ts', '../api/labels.js'],
    ['cdk8s/install.ts', '../src/api/labels.js'],
    ['src/controllers/index.ts', '../../cdk8s/install.js'],
    ['src/sandbox/simulators/informers.ts', '../../kube/resource.js'],
    ['src/cli/program.ts', '../kube/patch.js'],
    ['src/cli/program.ts', '../../cdk8s/ztunnel-config.js'],
    ['test/support/reporter.ts', '../../src/controllers/rbac.js'],
  ])('allows %s the import of %s', async (file, path) => {
    expect(await broken(file, `import * as a from '${path}'; export const b = a;`)).toEqual([]);
  });

  test.each([
    ['src/api/labels.ts', 'node:fs'],
    ['src/mesh/findings.ts', 'zod'],
    ['cdk8s/install.ts', 'node:child_process'],
  ])('refuses %s, which only computes, the package %s', async (file, name) => {
    expect(await broken(file, `import * as a from '${name}'; export const b = a;`)).toEqual(['no-restricted-imports']);
  });

  it('refuses a cycle', async () => {
    expect(
      await broken('src/api/duration.ts', "import * as a from './ambient-migration.js'; export const b = a;"),
    ).toContain('import-x/no-cycle');
  });

  test.each([
    ['the environment outside of src/config.ts', 'export const a = process.env.HOME;', 'no-restricted-properties'],
    [
      'the environment by another way',
      "import { env } from 'node:process'; export const a = env;",
      'no-restricted-imports',
    ],
    ['any', 'export type A = any;', '@typescript-eslint/no-explicit-any'],
    ['printing', "export const a = () => console.log('x');", 'no-console'],
  ])('refuses %s', async (_name, text, rule) => {
    expect(await broken('src/kube/patch.ts', text)).toContain(rule);
  });

  test.each(['no-floating-promises', 'no-misused-promises', 'switch-exhaustiveness-check'])(
    'refuses what %s refuses, by types',
    async (rule) => {
      const config = (await new ESLint({ cwd }).calculateConfigForFile('src/kube/patch.ts')) as {
        rules: Record<string, [number]>;
      };
      expect(config.rules[`@typescript-eslint/${rule}`]?.[0]).toBe(2);
    },
  );

  it('lets src/config.ts read the environment', async () => {
    expect(await broken('src/config.ts', 'export const a = process.env.HOME;')).toEqual([]);
  });
});
