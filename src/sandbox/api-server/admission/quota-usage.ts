import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import type { ServedResource } from '../resource.js';
import { type Container, allContainers } from '../builtin/pod-spec.js';
import { podSpec } from './pod.js';
import { addAmounts, podResources } from './pod-resources.js';

/** Amounts by the names that quotas use: `pods`, `requests.cpu`, `count/deployments.apps`. */
export type Usage = Record<string, string>;

type Kind = Pick<ServedResource, 'group' | 'plural'>;

/** Kinds that have a name of their own in quotas, besides `count/…`. */
const countedByName = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

/**
 * What an object uses up.
 *
 * @see pkg/quota/v1/evaluator/core
 */
export function usageOf({ group, plural }: Kind, object: ApiObject, now: number): Usage {
  const usage: Usage = { [group === '' ? `count/${plural}` : `count/${plural}.${group}`]: '1' };
  if (group !== '') return usage;
  if (countedByName.has(plural)) usage[plural] = '1';
  if (plural === 'services') Object.assign(usage, serviceUsage(object));
  if (plural === 'persistentvolumeclaims') Object.assign(usage, claimUsage(object));
  if (plural === 'pods' && isAlive(object, now)) {
    const spec = podSpec({ ...object });
    Object.assign(usage, { pods: '1' }, computeUsage(podResources(spec, 'requests'), podResources(spec, 'limits')));
  }
  return usage;
}

/** Everything that a namespace uses of what a quota names, 0 included. */
export function usageIn(
  cluster: ClusterView,
  kinds: readonly Kind[],
  namespace: string,
  names: readonly string[],
  counts: (kind: Kind, object: ApiObject) => boolean,
  now: number,
): Usage {
  let total: Usage = Object.fromEntries(names.map((name) => [name, '0']));
  for (const kind of kinds) {
    for (const object of cluster.list(kind, namespace)) {
      if (counts(kind, object)) total = addAmounts(total, masked(usageOf(kind, object, now), names));
    }
  }
  return total;
}

/** The part of it that has these names. */
export function masked(usage: Usage, names: readonly string[]): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([name]) => names.includes(name)));
}

/** What requests and limits are called in quotas. */
function computeUsage(requests: Readonly<Usage>, limits: Readonly<Usage>): Usage {
  const usage: Usage = {};
  for (const [name, amount] of Object.entries(requests)) {
    usage[`requests.${name}`] = amount;
    if (['cpu', 'memory', 'ephemeral-storage'].includes(name)) usage[name] = amount;
  }
  for (const [name, amount] of Object.entries(limits)) usage[`limits.${name}`] = amount;
  return usage;
}

/** A mistake of the past: under a quota for these, every container must name them. */
const mustBeNamed = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

/** What the containers of a pod leave open though the quota names it, as a sentence; undefined if nothing. */
export function unspecified(pod: ApiObject, names: readonly string[]): string | undefined {
  const containers = allContainers(podSpec({ ...pod }));
  const missing = (name: string): string[] =>
    containers.filter((container) => computed(container)[name] === undefined).map((c) => c.name);
  const parts = mustBeNamed
    .filter((name) => names.includes(name) && missing(name).length > 0)
    .map((name) => `${name} for: ${[...new Set(missing(name))].sort().join(',')}`);
  return parts.length > 0 ? `must specify ${parts.join('; ')}` : undefined;
}

function computed({ resources }: Container): Usage {
  return computeUsage(resources?.requests ?? {}, resources?.limits ?? {});
}

/** Pods that have ended, or should have, use nothing but their place in the storage. */
function isAlive({ metadata, status }: ApiObject, now: number): boolean {
  const { phase } = (status ?? {}) as { phase?: string };
  if (phase === 'Failed' || phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function serviceUsage(service: ApiObject): Usage {
  const { type, ports = [] } = (service['spec'] ?? {}) as { type?: string; ports?: { nodePort?: number }[] };
  const nodePorts = type === 'NodePort' || type === 'LoadBalancer' ? ports.length : 0;
  return {
    'services.nodeports': String(nodePorts),
    'services.loadbalancers': type === 'LoadBalancer' ? '1' : '0',
  };
}

function claimUsage(claim: ApiObject): Usage {
  const { resources, storageClassName } = (claim['spec'] ?? {}) as {
    resources?: { requests?: Usage };
    storageClassName?: string;
  };
  const storage = resources?.requests?.['storage'] ?? '0';
  const ofClass = `${storageClassName}.storageclass.storage.k8s.io`;
  return {
    'requests.storage': storage,
    ...(storageClassName && { [`${ofClass}/persistentvolumeclaims`]: '1', [`${ofClass}/requests.storage`]: storage }),
  };
}
