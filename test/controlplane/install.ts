import { parseAllDocuments } from 'yaml';

import { manifests } from '../../src/install.js';
import type { AdminApi } from './admin-api.js';
import { apply, type Manifest } from './apply.js';

/** Namespace and ServiceAccount that the operator runs as. */
export const operatorAccount = { namespace: 'sidestep-system', name: 'sidestep' };

const tokenSeconds = 24 * 3600;

/**
 * Installs the operator as `make manifests` prints it, without its Deployment, which would only make a pod that runs nothing.
 *
 * @throws {Error} when the API server refuses an object, or a CRD is not served within 30 s
 */
export async function installOperator(api: AdminApi): Promise<void> {
  const { namespace } = operatorAccount;
  const install = manifests({ image: 'none', namespace, istioNamespace: 'istio-system' });
  const objects = parseAllDocuments(install).map((document) => document.toJS() as Manifest);
  await apply(
    api,
    objects.filter(({ kind }) => kind !== 'Deployment'),
  );
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
