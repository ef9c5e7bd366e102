import type { Client } from '../kube/client.js';
import { ApiError } from '../kube/errors.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { FOREIGN_NETWORK_POLICIES } from '../mesh/findings/foreign-network-policy.js';
import { asRecord, asRecords, asStrings, stringAt } from '../mesh/policy-object.js';
import { list } from './cluster.js';
import { knownKind } from './manifest-kinds.js';

/** API groups of network policies that are not those of Kubernetes. */
const GROUPS = new Set([
  'projectcalico.org',
  'crd.projectcalico.org',
  'cilium.io',
  'crd.antrea.io',
  'policy.networking.k8s.io',
]);
/** Where Calico keeps what its API server shows as its own group. */
const BEHIND_CALICO = 'crd.projectcalico.org';

/** Network policies that are not those of Kubernetes. */
export interface ForeignNetworkPolicies {
  readonly policies: readonly { readonly type: ResourceType; readonly object: KubeObject }[];
  /** What the cluster says of those that it does not show, in one sentence; undefined: it shows all. */
  readonly warning: string | undefined;
}

/**
 * Network policies of Calico, Cilium and others. Only kinds that the cluster has are asked for: who may not list a kind is refused it,
 * be it there or not.
 *
 * @param namespace  undefined: all; policies of the whole cluster are of any
 * @throws {TransportError} the cluster cannot be reached
 */
export async function foreignNetworkPolicies(
  client: Client,
  namespace: string | undefined,
): Promise<ForeignNetworkPolicies> {
  const hidden: string[] = [];
  const shown = async <T>(found: Promise<readonly T[]>): Promise<readonly T[]> =>
    found.catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      hidden.push(error.message);
      return [];
    });
  const policies: { type: ResourceType; object: KubeObject }[] = [];
  const kinds = new Set<string>();
  for (const path of await shown(servedVersions(client))) {
    for (const type of await shown(typesOf(client, path))) {
      const kind = `${type.kind}.${type.group}`;
      if (kinds.has(kind)) continue;
      kinds.add(kind);
      const place = type.namespaced && namespace !== undefined ? { namespace } : {};
      const objects = await shown(list(client, type, place));
      policies.push(...objects.map((object) => ({ type, object })));
    }
  }
  return { policies, warning: hidden.length > 0 ? aboutHidden(hidden) : undefined };
}

/** Such as `cilium.io/v2`, of each group the preferred version first. */
async function servedVersions(client: Client): Promise<string[]> {
  const all = asRecords(asRecord(await client.getJson('/apis'))['groups']);
  const groups = all.filter(({ name }) => GROUPS.has(String(name)));
  const isCalico = groups.some(({ name }) => name === 'projectcalico.org');
  return groups
    .filter(({ name }) => !(isCalico && name === BEHIND_CALICO))
    .flatMap(({ preferredVersion, versions }) => {
      const named = [asRecord(preferredVersion), ...asRecords(versions)];
      return [...new Set(named.flatMap((one) => stringAt(one, 'groupVersion') ?? []))];
    });
}

/** The kinds of network policies in a version of a group. */
async function typesOf(client: Client, apiVersion: string): Promise<ResourceType[]> {
  const [group = '', version = ''] = apiVersion.split('/');
  const resources = asRecords(asRecord(await client.getJson(`/apis/${apiVersion}`))['resources']);
  return resources.flatMap(({ name, kind, namespaced, verbs }): ResourceType[] => {
    const type = { group, version, plural: String(name), kind: String(kind), namespaced: namespaced === true };
    const isPolicy = FOREIGN_NETWORK_POLICIES.includes(knownKind({ apiVersion, kind: type.kind }));
    return isPolicy && asStrings(verbs).includes('list') ? [type] : [];
  });
}

function aboutHidden(hidden: readonly string[]): string {
  const more = hidden.length > 1 ? ` (and ${hidden.length - 1} more)` : '';
  return (
    `network policies that are not those of Kubernetes cannot be read: ${hidden[0]}${more}; see for yourself that they admit TCP ` +
    '15008, or give the user of the kubeconfig the right to list them'
  );
}
