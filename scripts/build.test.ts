import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { manifests } from '../src/install.js';
import { BUNDLES, bundle } from './build.js';

describe('the bundle that prints the manifests', () => {
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'build-'));
    await bundle(join(folder, 'manifests.cjs'), BUNDLES['manifests.cjs']);
  }, 30_000);

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const run = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [join(folder, 'manifests.cjs'), ...args])).stdout;

  it('runs outside of the repository, and prints what the source prints', async () => {
    const options = { image: 'registry.example/sidestep:1', namespace: 'ops', istioNamespace: 'mesh' };
    expect(
      await run(
        '--image',
        options.image,
        '--namespace',
        options.namespace,
        '--istio-namespace',
        options.istioNamespace,
      ),
    ).toBe(manifests(options));
  });

  it('names the version of the package in the image by default', async () => {
    expect(await run()).toMatch(/image: sidestep:\d+\.\d+\.\d+\n/);
  });

  it('leaves out the Deployment on demand', async () => {
    const kinds = parseAllDocuments(await run('--without-deployment')).map((document) => document.get('kind'));
    expect(kinds).toEqual([
      'CustomResourceDefinition',
      'Namespace',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'Role',
      'RoleBinding',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ]);
  });
});

describe('the source map of a bundle', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'build-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const stackOf = async (entry: string): Promise<string> => {
    const bundled = join(folder, 'bundled.cjs');
    await bundle(bundled, entry);
    return (await promisify(execFile)(process.execPath, ['--enable-source-maps', bundled])).stdout;
  };

  it('names the files and lines of our sources in a stack trace, and no line of ours for what a library does', async () => {
    mkdirSync(join(folder, 'node_modules', 'library'), { recursive: true });
    writeFileSync(
      join(folder, 'node_modules', 'library', 'index.js'),
      'exports.call = function inLibrary(callback) {\n  return [1].map(function inner() { return callback(); })[0];\n};\n',
    );
    const entry = join(folder, 'ours.ts');
    const lines = [
      "import { call } from 'library';",
      'interface Answer { text: string }',
      'function outer(): Answer {',
      '  return call(function asked(): Answer {',
      '    const text = String(',
      '      new Error().stack);',
      '    return { text };',
      '  });',
      '}',
      'console.log(outer().text);',
    ];
    writeFileSync(entry, lines.join('\n'));
    const frames = [...(await stackOf(entry)).matchAll(/at (?:\S+\.)?(\w+|<anonymous>) \(.*\/([\w.]+):(\d+):\d+\)/g)];
    const shown = frames
      .slice(0, 6)
      .map(([, name, file, line]) => `${name} ${file}${file === 'ours.ts' ? `:${line}` : ''}`);
    expect(shown).toEqual([
      'asked ours.ts:6',
      'inner bundled.cjs',
      'inLibrary bundled.cjs',
      'outer ours.ts:4',
      '<anonymous> ours.ts:10',
      '_compile loader',
    ]);
  }, 30_000);

  it('and the text of the operator’s bundle take little memory', async () => {
    const bundled = join(folder, 'main.cjs');
    await bundle(bundled, BUNDLES['main.cjs']);
    // Node keeps an object for each segment of the map.
    expect(statSync(`${bundled}.map`).size).toBeLessThan(200_000);
    const text = readFileSync(bundled, 'utf8');
    // One byte a character, as long as all are Latin-1.
    expect(text).not.toMatch(/[^\u0000-\u00ff]/);
    expect(text.length).toBeLessThan(2_400_000);
  }, 30_000);
});
