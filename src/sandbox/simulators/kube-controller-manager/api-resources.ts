import type { Client } from '../../../kube/client.js';
import { isNotFound } from '../../../kube/errors.js';
import { apiVersionOf, resourceName, type ResourceType } from '../../../kube/resource.js';
import { CORE_EVENT } from './kinds.js';

/** A kind that the server serves, in its preferred version. */
export interface ApiResource extends ResourceType {
  verbs: readonly string[];
}

interface ResourceList {
  resources?: { name: string; kind: string; namespaced: boolean; verbs: string[] }[];
}

interface GroupList {
  groups?: { name: string; preferredVersion: { version: string }; versions: { version: string }[] }[];
}

/** Reads from the server which kinds there are, without subresources. Events are left out: they own nothing and nobody owns them. */
export async function discover(client: Client): Promise<ApiResource[]> {
  const { groups = [] } = (await client.getJson('/apis')) as GroupList;
  const served = [{ name: '', preferredVersion: { version: 'v1' }, versions: [{ version: 'v1' }] }, ...groups];
  const found = new Map<string, ApiResource>();
  for (const { name, preferredVersion, versions } of served) {
    const preferredFirst = [
      preferredVersion,
      ...versions.filter(({ version }) => version !== preferredVersion.version),
    ];
    for (const { version } of preferredFirst) {
      for (const resource of await resourcesOf(client, name, version)) {
        const key = resourceName(resource);
        if (!found.has(key)) found.set(key, resource);
      }
    }
  }
  return [...found.values()].filter(({ kind, group }) => kind !== 'Event' || !eventGroups.has(group));
}

const eventGroups = new Set([CORE_EVENT.group, 'events.k8s.io']);

async function resourcesOf(client: Client, group: string, version: string): Promise<ApiResource[]> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const { resources = [] } = (await client.getJson(path)) as ResourceList;
    return resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced, verbs }) => ({ group, version, plural: name, kind, namespaced, verbs }));
  } catch (error) {
    // A group may go away between the two requests.
    if (isNotFound(error)) return [];
    throw error;
  }
}

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
