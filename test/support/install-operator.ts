import { applyYaml } from '../../scripts/apply-yaml.js';
import type { Clock } from '../../src/clock.js';
import { manifests } from '../../src/install.js';
import { Client } from '../../src/kube/client.js';
import type { Connection } from '../../src/kube/connection.js';
import type { KubeObject, ResourceType } from '../../src/kube/resource.js';

/** Namespace and name of the operator's ServiceAccount. */
const ACCOUNT = { namespace: 'sidestep-system', name: 'sidestep' };

/** What the subresource `token` of a ServiceAccount takes and answers. */
const TOKEN_REQUEST: ResourceType<KubeObject & { status: { token: string } }> = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'TokenRequest',
  namespaced: true,
};

const TOKEN_SECONDS = 24 * 3600;

/**
 * Installs what the operator needs outside the cluster: CRDs, ServiceAccount, RBAC, admission policies.
 *
 * @param connection  of the administrator
 * @returns a token of the operator's ServiceAccount, valid for a day
 */
export async function installOperator(connection: Connection, clock: Clock): Promise<string> {
  const client = new Client({ connection, clock });
  const yaml = manifests({
    image: 'none',
    namespace: ACCOUNT.namespace,
    istioNamespace: 'istio-system',
    withoutDeployment: true,
  });
  await applyYaml(yaml, { client, clock, fieldManager: 'sidestep-install' });
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: ACCOUNT,
    spec: { expirationSeconds: TOKEN_SECONDS },
  };
  const { status } = await client.create(TOKEN_REQUEST, request, {
    subresource: 'token',
    fieldManager: 'sidestep-install',
  });
  client.close();
  return status.token;
}
