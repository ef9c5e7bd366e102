import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startControlPlane } from '../controlplane/control-plane.js';

/**
 * Starts one real control plane for all files of the project and tells them its kubeconfig. `CONFORMANCE_KUBECONFIG` names
 * one that runs already (`make controlplane-up`).
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env.CONFORMANCE_KUBECONFIG;
  if (running !== undefined) {
    project.provide('kubeconfig', running);
    return () => Promise.resolve();
  }
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-'));
  const controlPlane = await startControlPlane({
    dir,
    audit: false,
    // Some cases need versions that have been forgotten.
    apiServerFlags: ['--etcd-compaction-interval=5s'],
  });
  project.provide('kubeconfig', controlPlane.kubeconfig);
  return async () => {
    await controlPlane.stop();
    rmSync(dir, { recursive: true, force: true });
  };
}
