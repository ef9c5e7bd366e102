import type { MeshObjects } from '../../../src/mesh/ambient-index.js';
import type { LocalConfig, LocalService } from '../../../src/mesh/ztunnel-config.js';
import { addressRules, bindingRules } from './address-rules.js';
import { peerRules, policyRules } from './policy-rules.js';
import type { Count, Json, Seen } from './seen.js';

const rules: Record<string, Count> = { ...policyRules, ...peerRules, ...bindingRules, ...addressRules };

/** How often each rule decided something in these namespaces and in the root namespace's policies. */
export function firedRules(
  objects: MeshObjects,
  index: LocalConfig,
  { namespaces, rootNamespace }: { namespaces: readonly string[]; rootNamespace: string },
): Record<string, number> {
  const places = new Set(namespaces);
  const inPlaces = (object: Json): boolean => places.has(object.metadata.namespace);
  const policiesHere = (object: Json): boolean => inPlaces(object) || object.metadata.namespace === rootNamespace;
  const policyByKey = new Map(index.policies.map((policy) => [`${policy.namespace}/${policy.name}`, policy]));
  const servicesBySource = new Map<string, LocalService[]>();
  const seen: Seen = {
    objects,
    index,
    labelsOf: (name) => objects.namespaces.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {},
    policies: objects.authorizationPolicies.filter(policiesHere).map((object: Json) => ({
      object,
      rules: object.spec.rules ?? [],
      sent: policyByKey.get(`${object.metadata.namespace}/${object.metadata.name}`),
    })),
    peers: objects.peerAuthentications.filter(inPlaces).map((object: Json) => ({
      object,
      sent: policyByKey.get(`${object.metadata.namespace}/converted_peer_authentication_${object.metadata.name}`),
    })),
    services: [],
    workloads: index.workloads
      .filter(({ namespace }) => places.has(namespace))
      .map((sent) => ({
        object: undefined,
        kind: sent.uid.split('/')[2] ?? '',
        sent,
      })),
  };
  for (const service of index.services) {
    const key = `${service.namespace}/${service.name}`;
    servicesBySource.set(key, [...(servicesBySource.get(key) ?? []), service]);
  }
  seen.services = [...objects.services, ...objects.serviceEntries].filter(inPlaces).map((object: Json) => ({
    object,
    sent: servicesBySource.get(`${object.metadata.namespace}/${object.metadata.name}`) ?? [],
  }));
  return Object.fromEntries(Object.entries(rules).map(([name, counted]) => [name, counted(seen)]));
}
