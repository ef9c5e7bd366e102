import { LABEL } from '../../api/labels.js';
import type { Finding, FindingCode } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, stringAt } from '../policy-object.js';
import { isHeldByMigration } from '../waypoint-holders.js';
import { type IntendedWaypoint, namesWaypoint } from '../waypoint-needs.js';
import { placeOf, serviceAt } from './hosts.js';
import { namedSubsets } from '../translation/routes/namespace-routes.js';
import { concernsMesh } from '../translation/routes/parents.js';
import { type PolicyScope, finding, isExportedTo, isOwn, isRoutedElsewhere, notUnderstood } from './scope.js';

type Fields = Readonly<Record<string, unknown>>;

/** A part of a DestinationRule that sets traffic policy. */
interface Part {
  readonly path: string;
  readonly policy: Fields;
}

const KNOWN = ['host', 'trafficPolicy', 'subsets', 'exportTo', 'workloadSelector'];

/**
 * What becomes of a DestinationRule of any namespace. For callers with sidecars it stays in force, wherever they are; for the
 * ambient ones of the namespace only what a waypoint carries out.
 *
 * @param objects  every object: Services say whether a waypoint serves them
 * @see istio-ambient facts 5.8
 */
export function destinationRuleFindings(
  rule: PolicyObject,
  objects: readonly PolicyObject[],
  scope: PolicyScope,
): Finding[] {
  const spec = asRecord(rule.spec);
  const place = placeOf(stringAt(spec, 'host') ?? '', rule.metadata.namespace ?? '', scope.namespace);
  const found = (code: FindingCode, paths: readonly string[], text: string): Finding[] =>
    paths.length > 0 ? [finding(code, rule, paths, text, scope)] : [];
  const modes = tlsModes(spec);
  const tls = modes.map(({ path }) => path);
  const host = stringAt(spec, 'host') ?? '';
  // Callers elsewhere have it whether it is exported to this namespace or not.
  const towardsHere =
    place === 'here' ? found('SST3005', tls, `callers with sidecars would not use HBONE towards ${host}`) : [];
  if (!hasCallersHere(rule, scope)) return towardsHere;
  const isMutual = place === 'elsewhere' && modes.every(({ mode }) => mode === 'ISTIO_MUTUAL');
  const unknown = Object.keys(spec).filter((field) => !KNOWN.includes(field));
  const all = settings(spec);
  const hasSubsets = asRecords(spec['subsets']).length > 0 && !isNamedElsewhere(rule, objects, scope);
  const subsets = hasSubsets ? ['spec.subsets'] : [];
  const notCarriedOut = `ambient callers do not carry it out towards ${host}`;
  const isServed = isServedByWaypoint(rule, objects, scope);
  return [
    ...towardsHere,
    ...(isMutual ? found('SST3007', tls, 'ztunnel uses mTLS without it') : []),
    ...(place === 'here' || isMutual ? [] : found('SST3006', tls, `ztunnel starts no TLS towards ${host}`)),
    ...(scope.routes?.saysSubsets(rule) === true
      ? found('SST3031', subsets, 'Services stand for them in the routes that name them')
      : found('SST3008', subsets, 'no HTTPRoute can name a subset')),
    ...(isServed
      ? found('SST3010', all, `waypoint ${scope.waypoint?.name ?? ''} carries it out`)
      : [
          ...found(
            'SST3009',
            all.filter((path) => !isRelied(path)),
            notCarriedOut,
          ),
          ...found('SST3027', all.filter(isRelied), notCarriedOut),
        ]),
    ...(unknown.length > 0
      ? [
          notUnderstood(
            rule,
            unknown.map((field) => `spec.${field}`),
            scope,
          ),
        ]
      : []),
  ];
}

/** Whether sidecars of the namespace use it; one with a workloadSelector is for callers of its own namespace. */
function hasCallersHere(rule: PolicyObject, scope: PolicyScope): boolean {
  const isSelecting = asRecord(rule.spec)['workloadSelector'] !== undefined;
  return isExportedTo(rule, scope.namespace) && (isOwn(rule, scope) || !isSelecting);
}

/** Whether only waypoints of its own namespace, another one, have to know its subsets: they have HTTPRoutes for what names one. */
function isNamedElsewhere(rule: PolicyObject, objects: readonly PolicyObject[], scope: PolicyScope): boolean {
  const home = rule.metadata.namespace ?? '';
  const service = serviceAt(stringAt(asRecord(rule.spec), 'host') ?? '', home, home);
  if (isOwn(rule, scope) || service === undefined) return false;
  const users = objects.filter(
    ({ kind, metadata, spec }) =>
      kind === 'VirtualService' &&
      concernsMesh(asRecord(spec)) &&
      namedSubsets(spec, metadata.namespace ?? '', home).some((key) => key.startsWith(`${service} `)),
  );
  return users.length > 0 && users.every((user) => isRoutedElsewhere(user, scope));
}

/** Where a policy may stand: for all, for a port, for a subset. */
function partsOf(spec: Fields): Part[] {
  const withPorts = (path: string, policy: Fields): Part[] => [
    { path, policy },
    ...asRecords(policy['portLevelSettings']).map((port, index) => ({
      path: `${path}.portLevelSettings[${index}]`,
      policy: port,
    })),
  ];
  return [
    ...withPorts('spec.trafficPolicy', asRecord(spec['trafficPolicy'])),
    ...asRecords(spec['subsets']).flatMap((subset, index) =>
      withPorts(`spec.subsets[${index}].trafficPolicy`, asRecord(subset['trafficPolicy'])),
    ),
  ];
}

function tlsModes(spec: Fields): { path: string; mode: string }[] {
  return partsOf(spec).flatMap(({ path, policy }) => {
    const mode = stringAt(asRecord(policy['tls']), 'mode') ?? 'DISABLE';
    return policy['tls'] === undefined ? [] : [{ path: `${path}.tls.mode`, mode }];
  });
}

/** What an application may rely on, and not only its speed. */
const RELIED = ['loadBalancer.consistentHash', 'tunnel', 'proxyProtocol'];
const isRelied = (path: string): boolean => RELIED.some((field) => path.endsWith(`.${field}`));

/** Paths of everything but TLS. */
function settings(spec: Fields): string[] {
  return partsOf(spec).flatMap(({ path, policy }) =>
    Object.keys(policy)
      .filter((field) => !['tls', 'port', 'portLevelSettings'].includes(field))
      .map((field) => (isHashed(policy, field) ? `${field}.consistentHash` : field))
      .map((field) => `${path}.${field}`),
  );
}

const isHashed = (policy: Fields, field: string): boolean =>
  field === 'loadBalancer' && asRecord(policy[field])['consistentHash'] !== undefined;

/** The waypoint looks in its own namespace, then in that of the Service, then in the root namespace. */
function isServedByWaypoint(
  rule: PolicyObject,
  objects: readonly PolicyObject[],
  { waypoint, namespace, rootNamespace, followers }: PolicyScope,
): boolean {
  const { namespace: home = '' } = rule.metadata;
  const spec = asRecord(rule.spec);
  if (!waypoint || spec['workloadSelector'] !== undefined) return false;
  const isSeen =
    home === waypoint.namespace ||
    ([namespace, rootNamespace].includes(home) && isExportedTo(rule, waypoint.namespace));
  const name = serviceAt(stringAt(spec, 'host') ?? '', home, namespace);
  const service = objects.find(
    ({ kind, metadata }) => kind === 'Service' && metadata.namespace === namespace && metadata.name === name,
  );
  return isSeen && service !== undefined && !isPassedBy(service, objects, waypoint, followers);
}

/** Whether its callers go elsewhere: a label of somebody else on the Service, or else on the namespace, says so. */
function isPassedBy(
  service: PolicyObject,
  objects: readonly PolicyObject[],
  waypoint: IntendedWaypoint,
  followers: PolicyScope['followers'],
): boolean {
  if (asRecord(service.spec)['clusterIP'] === 'None') return true;
  const { namespace, name } = service.metadata;
  const home = objects.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
  const namer = [service, home].find((object) => object?.metadata.labels?.[LABEL.useWaypoint] !== undefined);
  const isOurs =
    namer !== undefined && (isHeldByMigration(namer) || (namer === service && followers?.has(name) === true));
  return namer !== undefined && !namesWaypoint(namer, waypoint) && !isOurs;
}
