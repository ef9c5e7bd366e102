import { type Clock, delay } from '../../../clock.js';
import type { Client } from '../../../kube/client.js';
import { ApiError } from '../../../kube/errors.js';
import { clusterScoped, namespaced, type KubeObject, type ResourceType } from '../../../kube/resource.js';
import {
  CONFIG_MAP,
  CUSTOM_RESOURCE_DEFINITION,
  type CustomResourceDefinition,
  DAEMON_SET,
  MUTATING_WEBHOOK_CONFIGURATION,
  NAMESPACE,
  SERVICE,
  SERVICE_ACCOUNT,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from '../../../kube/types.js';
import { customResourceDefinitions, istioManifests, webhookUrlPlaceholder } from '../../data/index.js';
import { discover } from '../kube-controller-manager/api-resources.js';
import { systemNamespace } from './mesh-state.js';

const fieldManager = 'helm';

const rbac = ['rbac.authorization.k8s.io', 'v1'] as const;

/** Kinds that Istio's charts hold. */
const kinds: Readonly<Record<string, ResourceType>> = {
  ServiceAccount: SERVICE_ACCOUNT,
  ConfigMap: CONFIG_MAP,
  Service: SERVICE,
  DaemonSet: DAEMON_SET,
  ClusterRole: clusterScoped(...rbac, 'clusterroles', 'ClusterRole'),
  ClusterRoleBinding: clusterScoped(...rbac, 'clusterrolebindings', 'ClusterRoleBinding'),
  Role: namespaced(...rbac, 'roles', 'Role'),
  RoleBinding: namespaced(...rbac, 'rolebindings', 'RoleBinding'),
  MutatingWebhookConfiguration: MUTATING_WEBHOOK_CONFIGURATION,
  ValidatingWebhookConfiguration: VALIDATING_WEBHOOK_CONFIGURATION,
};

/** How often and how many times it is looked whether the kinds are served. */
const [lookEveryMs, looks] = [20, 500];

/**
 * Applies what the charts of Istio (profile `ambient`) and the bundle of Gateway API apply, without what would run istiod
 * in the cluster, and waits until their kinds are served.
 *
 * @param webhookUrl  where istiod's webhooks are
 * @throws {Error} a kind is not served within 10 s
 */
export async function installIstio(client: Client, clock: Clock, webhookUrl: string): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } };
  const definitions = customResourceDefinitions() as CustomResourceDefinition[];
  await Promise.all([
    create(client, NAMESPACE, namespace),
    ...definitions.map((definition) => create(client, CUSTOM_RESOURCE_DEFINITION, definition)),
  ]);
  const { istiod, nodeComponents } = istioManifests();
  const objects = JSON.parse(
    JSON.stringify([...istiod, ...nodeComponents]).replaceAll(webhookUrlPlaceholder, webhookUrl),
  ) as KubeObject[];
  await Promise.all(objects.map((object) => create(client, kindOf(object), object)));
  await whenServed(
    client,
    clock,
    definitions.map(({ metadata }) => metadata.name),
  );
}

function kindOf({ kind }: KubeObject): ResourceType {
  const type = kinds[kind];
  if (type === undefined) throw new Error(`Istio's charts hold a kind that is not known here: ${kind}`);
  return type;
}

/** What is there already stays. */
async function create(client: Client, type: ResourceType, object: KubeObject): Promise<void> {
  try {
    // Known to be right: looking for unknown fields would take a tenth of the whole start.
    await client.create(type, object, { fieldManager, fieldValidation: 'Ignore' });
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
  }
}

async function whenServed(client: Client, clock: Clock, names: readonly string[]): Promise<void> {
  let missing = names;
  for (let look = 0; look < looks; look++) {
    const served = new Set((await discover(client)).map(({ plural, group }) => `${plural}.${group}`));
    missing = missing.filter((name) => !served.has(name));
    if (missing.length === 0) return;
    await delay(clock, lookEveryMs);
  }
  throw new Error(`not served after ${(looks * lookEveryMs) / 1000} s: ${missing.join(', ')}`);
}
