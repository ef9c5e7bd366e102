import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { parseAllDocuments } from 'yaml';

import type { AdminApi } from './admin-api.js';
import { apply, kubectl, type KubectlTarget } from './kubectl.js';
import { repositoryRoot } from './paths.js';

/** Namespace and ServiceAccount that the operator runs as. */
export const operatorAccount = { namespace: 'sidestep-system', name: 'sidestep' };

const tokenSeconds = 24 * 3600;

// Used as long as there is no src/manifests.ts: enough for tests of the control plane itself.
const bareAccount = `
apiVersion: v1
kind: Namespace
metadata: {name: ${operatorAccount.namespace}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${operatorAccount.name}, namespace: ${operatorAccount.namespace}}
`;

/** The operator's install manifests as `make manifests` prints them: CRDs, Namespace, ServiceAccount, RBAC, Deployment. */
export async function operatorManifests(): Promise<string> {
  const program = join(repositoryRoot, 'src', 'manifests.ts');
  if (!existsSync(program)) return bareAccount;
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
    cwd: repositoryRoot,
    maxBuffer: 64 << 20,
  });
  return stdout;
}

/**
 * Applies install manifests without their Deployment, which would only make a pod that runs nothing, and waits for the CRDs.
 *
 * @throws {Error} when the API server refuses one of them, or a CRD is not established within 30 s
 */
export async function installManifests(target: KubectlTarget, yaml: string): Promise<void> {
  const documents = parseAllDocuments(yaml).filter(
    (document) => document.get('kind') !== undefined && document.get('kind') !== 'Deployment',
  );
  await apply(target, documents.map(String).join('\n---\n'));
  const crds = documents
    .filter((document) => document.get('kind') === 'CustomResourceDefinition')
    .map((document) => `crd/${String(document.getIn(['metadata', 'name']))}`);
  if (crds.length > 0) await kubectl(target, ['wait', '--for=condition=Established', '--timeout=30s', ...crds]);
}

/** A token of the operator's ServiceAccount, valid for a day, from the TokenRequest API. */
export async function operatorToken(api: AdminApi): Promise<string> {
  const { namespace, name } = operatorAccount;
  const answer = (await api.post(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: tokenSeconds },
  })) as { status: { token: string } };
  return answer.status.token;
}
