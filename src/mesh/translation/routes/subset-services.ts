import { ANNOTATION } from '../../../api/labels.js';
import { type PolicyObject, asRecord, asRecords, stringAt } from '../../policy-object.js';
import { serviceAt } from '../../findings/hosts.js';
import type { Remarks } from './remarks.js';
import { isThere, objectAt, type RouteScope } from './scope.js';

type Fields = Readonly<Record<string, unknown>>;

/** What of a Service says how its pods are called, and not where from. */
const COPIED = [
  'publishNotReadyAddresses',
  'ipFamilyPolicy',
  'ipFamilies',
  'internalTrafficPolicy',
  'trafficDistribution',
];
const OF_PORTS = ['name', 'port', 'protocol', 'appProtocol', 'targetPort'];

/**
 * What stands for a subset of a Service: a Service of its pods, and a DestinationRule with its traffic policy, if it has one.
 *
 * An HTTPRoute cannot name a subset. Nobody is meant to call the new Service: the waypoint sends straight to its pods.
 *
 * @param at  where the subset is named
 * @returns the name of the Service; undefined, and refused, if there can be none that means the same
 */
export function subsetObjects(
  service: PolicyObject,
  subset: string,
  scope: RouteScope,
  at: string,
  remarks: Remarks,
): { name: string; objects: PolicyObject[] } | undefined {
  const rule = ruleOf(service, scope, at, remarks);
  const found = asRecords(asRecord(rule?.spec)['subsets']).find(({ name }) => name === subset);
  if (!rule || !found) return rule && remarks.refuse(at, `DestinationRule ${rule.metadata.name} has no such subset`);
  const { name: base } = service.metadata;
  const { namespace } = scope;
  const name = `${base}-${subset}`;
  const about = `subset ${subset} of DestinationRule ${rule.metadata.name}`;
  const refuse = (why: string): undefined => remarks.refuse(at, `${about}: ${why}`);
  if (!/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return refuse(`${name} is no name of a Service`);
  const selector = asRecord(asRecord(service.spec)['selector']);
  const labels = asRecord(found['labels']);
  if (Object.keys(selector).length === 0) return refuse(`Service ${base} has no selector`);
  if (Object.entries(labels).some(([key, value]) => Object.hasOwn(selector, key) && selector[key] !== value))
    return refuse(`Service ${base} has none of its pods`);
  const others = Object.keys(found).filter((field) => !['name', 'labels', 'trafficPolicy'].includes(field));
  if (others.length > 0) return refuse(`nobody knows here what ${others.join(', ')} means`);
  const policy = policyOf(asRecord(rule.spec), found, refuse, (what) => remarks.leaveOut(at, `${about}: ${what}`));
  const objects: PolicyObject[] = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, ...annotationsOf(service) },
      spec: {
        ...picked(asRecord(service.spec), COPIED),
        selector: { ...selector, ...labels },
        ports: portsOf(service),
      },
    },
  ];
  if (policy && Object.keys(policy).length > 0)
    objects.push({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name, namespace },
      spec: { host: name, trafficPolicy: policy },
    });
  const other = objects.find(
    (one) => objectAt(scope, one.kind, namespace, one.metadata.name) !== undefined && !isThere(one, scope),
  );
  if (other) return refuse(`there is another ${other.kind} ${name}`);
  return { name, objects };
}

/** The DestinationRule of a Service in its namespace. */
function ruleOf(
  { metadata: { name } }: PolicyObject,
  { objects, namespace }: RouteScope,
  at: string,
  remarks: Remarks,
): PolicyObject | undefined {
  const rules = objects.filter(
    ({ kind, metadata, spec }) =>
      kind === 'DestinationRule' &&
      metadata.namespace === namespace &&
      serviceAt(stringAt(asRecord(spec), 'host') ?? '', namespace, namespace) === name,
  );
  const [rule, ...others] = rules;
  if (!rule) return remarks.refuse(at, `no DestinationRule of the namespace has subsets of Service ${name}`);
  if (others.length > 0)
    return remarks.refuse(at, `several DestinationRules are for Service ${name}: ${rules.map(nameOf).join(', ')}`);
  const { exportTo, workloadSelector, ...fields } = asRecord(rule.spec);
  const isForAll = exportTo === undefined || (Array.isArray(exportTo) && exportTo.includes('*'));
  if (!isForAll || workloadSelector !== undefined)
    return remarks.refuse(at, `DestinationRule ${nameOf(rule)} is for some callers only`);
  const unknown = Object.keys(fields).filter((field) => !['host', 'trafficPolicy', 'subsets'].includes(field));
  if (unknown.length > 0)
    return remarks.refuse(at, `nobody knows here what ${unknown.join(', ')} of DestinationRule ${nameOf(rule)} means`);
  return rule;
}

const nameOf = ({ metadata }: PolicyObject): string => metadata.name;

/**
 * The traffic policy of a subset: its own over that of the host, field by field.
 *
 * @see istio/istio pilot/pkg/model/destination_rule.go, MergeTrafficPolicy
 */
function policyOf(
  rule: Fields,
  subset: Fields,
  refuse: (why: string) => undefined,
  leaveOut: (what: string) => undefined,
): Fields | undefined {
  const [ofHost, own] = [asRecord(rule['trafficPolicy']), asRecord(subset['trafficPolicy'])];
  const hasPorts = [ofHost, own].some((policy) => asRecords(policy['portLevelSettings']).length > 0);
  const isMerged = [ofHost, own].every((policy) => Object.keys(policy).length > 0);
  if (hasPorts && isMerged) return refuse('its portLevelSettings are mixed with the traffic policy of the host');
  const { tls, ...policy } = { ...ofHost, ...own };
  if (asRecords(policy['portLevelSettings']).some((port) => port['tls'] !== undefined))
    return refuse('tls of a port is for callers with sidecars');
  if (tls === undefined) return policy;
  if (asRecord(tls)['mode'] !== 'ISTIO_MUTUAL') return refuse('its tls is for callers with sidecars');
  leaveOut('ISTIO_MUTUAL is what the mesh does anyway');
  return policy;
}

const picked = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));

function annotationsOf({
  metadata: { annotations = {} },
}: PolicyObject): Pick<PolicyObject['metadata'], 'annotations'> {
  const { [ANNOTATION.trafficDistribution]: distribution } = annotations;
  return distribution === undefined ? {} : { annotations: { [ANNOTATION.trafficDistribution]: distribution } };
}

const portsOf = ({ spec }: PolicyObject): Fields[] =>
  asRecords(asRecord(spec)['ports']).map((port) => picked(port, OF_PORTS));
