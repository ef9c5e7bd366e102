import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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
