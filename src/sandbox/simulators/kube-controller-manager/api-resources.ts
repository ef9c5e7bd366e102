import type { Client } from '../../../kube/client.js';
import { apiVersionOf, resourceName, type ResourceType } from '../../../kube/resource.js';
import { CORE_EVENT } from './object-events.js';

/** A kind that the server serves, in its preferred version. */
export interface ApiResource extends ResourceType {
  verbs: readonly string[];
}

/** The aggregated form of discovery: all groups with all that is in them. */
interface GroupDiscoveryList {
  items?: { metadata?: { name?: string }; versions: { version: string; resources?: DiscoveredResource[] }[] }[];
}

interface DiscoveredResource {
  resource: string;
  responseKind: { kind: string };
  scope: 'Namespaced' | 'Cluster';
  verbs: string[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Reads from the server which kinds there are, without subresources. Events are left out: they own nothing and nobody owns them. */
export async function discover(client: Client): Promise<ApiResource[]> {
  const lists = await Promise.all(['/api', '/apis'].map((path) => client.getJson(path, { accept })));
  const found = new Map<string, ApiResource>();
  for (const { metadata, versions } of (lists as GroupDiscoveryList[]).flatMap(({ items = [] }) => items)) {
    const group = metadata?.name ?? '';
    // The preferred version comes first.
    for (const { version, resources = [] } of versions) {
      for (const { resource, responseKind, scope, verbs } of resources) {
        const namespaced = scope === 'Namespaced';
        const type = { group, version, plural: resource, kind: responseKind.kind, namespaced, verbs };
        const key = resourceName(type);
        if (!found.has(key)) found.set(key, type);
      }
    }
  }
  return [...found.values()].filter(({ kind, group }) => kind !== 'Event' || !eventGroups.has(group));
}

const eventGroups = new Set([CORE_EVENT.group, 'events.k8s.io']);

/** Whether the server does all of this with objects of the kind. */
export const supports = ({ verbs }: ApiResource, ...wanted: string[]): boolean =>
  wanted.every((verb) => verbs.includes(verb));

/** The kind that an owner reference names. */
export function findKind(
  resources: readonly ApiResource[],
  { apiVersion, kind }: { apiVersion: string; kind: string },
): ApiResource | undefined {
  const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
  return (
    resources.find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion) ??
    resources.find((resource) => resource.kind === kind && resource.group === group)
  );
}
