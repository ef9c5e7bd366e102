import { readPeerAuthentications } from '../ambient-index/peer-authentication.js';
import type { Finding } from '../findings.js';
import { type Labels, type PolicyObject, asRecord, stringAt } from '../policy-object.js';
import type { LocalPolicy } from '../ztunnel-config.js';
import { type PolicyScope, finding, isOwn, notUnderstood, unreadSelector } from './scope.js';

/**
 * What ztunnel would make of a PeerAuthentication that applies to the namespace: DISABLE, and ports that would not have the mode
 * that they have at a sidecar.
 *
 * @param objects  every object, for modes are inherited
 * @see istio/istio pilot/pkg/serviceregistry/ambient/policies.go; istio.io, reference/config/security/peer_authentication
 */
export function peerAuthenticationFindings(
  policy: PolicyObject,
  objects: readonly PolicyObject[],
  scope: PolicyScope,
): Finding[] {
  const spec = asRecord(policy.spec);
  const unread = unreadFields(spec);
  if (unread.length > 0) return [notUnderstood(policy, unread, scope)];
  const ports = Object.entries(asRecord(spec['portLevelMtls']));
  const disabled = [
    ...(modeAt(spec, 'mtls') === 'DISABLE' ? ['spec.mtls.mode'] : []),
    ...ports.filter(([, mtls]) => modeOf(mtls) === 'DISABLE').map(([port]) => `spec.portLevelMtls.${port}.mode`),
  ];
  if (disabled.length > 0) {
    return [finding('SST2002', policy, disabled, 'asks for plaintext, which ambient mode does not honour', scope)];
  }
  const changes = portChanges(policy, objects, scope);
  if (changes.length === 0) return [];
  const text = `ztunnel ${changes.map(({ port, change }) => `${change} on ${port}`).join(', ')}`;
  return [finding('SST2018', policy, 'spec.portLevelMtls', text, scope)];
}

const MODES: ReadonlySet<string> = new Set(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']);

/** Fields that Istio does not know, and modes that are none. */
function unreadFields(spec: Readonly<Record<string, unknown>>): string[] {
  const places = [
    ['spec.mtls', spec['mtls']] as const,
    ...Object.entries(asRecord(spec['portLevelMtls'])).map(
      ([port, mtls]) => [`spec.portLevelMtls.${port}`, mtls] as const,
    ),
  ];
  return [
    ...Object.keys(spec).flatMap((field) => (FIELDS.has(field) ? [] : [`spec.${field}`])),
    ...unreadSelector(spec),
    ...places.flatMap(([path, mtls]) =>
      Object.entries(asRecord(mtls)).flatMap(([field, value]) =>
        field === 'mode' && MODES.has((value ?? 'UNSET') as string) ? [] : [`${path}.${field}`],
      ),
    ),
  ];
}

const FIELDS: ReadonlySet<string> = new Set(['selector', 'mtls', 'portLevelMtls']);

/** A port that no policy names stands for all of them. */
const OTHER_PORT = 0;

/** What changes for callers without mTLS, by port. */
function portChanges(
  policy: PolicyObject,
  objects: readonly PolicyObject[],
  scope: PolicyScope,
): { port: string; change: string }[] {
  const spec = asRecord(policy.spec);
  const ports = Object.entries(asRecord(spec['portLevelMtls'])).filter(([, mtls]) => modeOf(mtls) !== 'UNSET');
  if (ports.length === 0) return [];
  if (!isSelecting(policy)) {
    return ports.map(([port]) => ({ port: `port ${port}`, change: 'ignores the mode' }));
  }
  const peers = objects.filter(({ kind }) => kind === 'PeerAuthentication');
  const labels = asRecord(asRecord(spec['selector'])['matchLabels']) as Labels;
  const ownMode = modeAt(spec, 'mtls');
  const wide = peers.filter((peer) => !isSelecting(peer));
  const isStrictElsewhere = ownMode === 'UNSET' ? isStrict(wide, scope) : ownMode === 'STRICT';
  const before: (readonly [string, number, boolean])[] = [
    ...ports.map(([port, mtls]) => [`port ${port}`, Number(port), modeOf(mtls) === 'STRICT'] as const),
    ['all other ports', OTHER_PORT, isStrictElsewhere],
  ];
  return before.flatMap(([port, number, isRefused]) => {
    const isRefusedThen = isRefusedByZtunnel(number, labels, peers, scope);
    if (isRefused === isRefusedThen) return [];
    return [{ port, change: isRefusedThen ? 'would refuse plaintext' : 'would take plaintext' }];
  });
}

function isRefusedByZtunnel(
  port: number,
  labels: Labels,
  peers: readonly PolicyObject[],
  { namespace, rootNamespace }: PolicyScope,
): boolean {
  const { policies, policiesOf } = readPeerAuthentications(peers, { rootNamespace });
  const names = policiesOf(namespace, labels);
  return policies
    .filter((policy) => names.includes(`${policy.namespace}/${policy.name}`))
    .some((policy) => deniesPlaintext(policy, port));
}

/** Policies that are made of PeerAuthentications know ports and missing principals only. */
function deniesPlaintext({ rules }: LocalPolicy, port: number): boolean {
  return rules.some((clauses) =>
    clauses.every((matches) =>
      matches.some(
        ({ destinationPorts, notDestinationPorts }) =>
          (destinationPorts?.includes(port) ?? true) && notDestinationPorts?.includes(port) !== true,
      ),
    ),
  );
}

/** Whether nobody honours a PeerAuthentication: one of the root namespace with a selector. */
export function isIgnored(policy: PolicyObject, scope: PolicyScope): boolean {
  return !isOwn(policy, scope) && isSelecting(policy);
}

/** Effective mode: workload before namespace before mesh, and of several the oldest (istio.io, PeerAuthentication). */
export function isStrict(applying: readonly PolicyObject[], scope: PolicyScope): boolean {
  const peers = applying.filter((object) => object.kind === 'PeerAuthentication');
  const withSelector = peers.filter(
    (object) => asRecord(asRecord(object.spec)['selector'])['matchLabels'] !== undefined,
  );
  const ownMode = (object: PolicyObject): string => modeAt(asRecord(object.spec), 'mtls');
  const wide = peers.filter((object) => !withSelector.includes(object) && ownMode(object) !== 'UNSET');
  const oldest = (namespace: string): PolicyObject | undefined =>
    wide
      .filter((object) => object.metadata.namespace === namespace)
      .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))[0];
  const effective = oldest(scope.namespace) ?? oldest(scope.rootNamespace);
  return (
    withSelector.some((object) => ownMode(object) === 'STRICT') ||
    (effective !== undefined && ownMode(effective) === 'STRICT')
  );
}

function isSelecting({ spec }: PolicyObject): boolean {
  return Object.keys(asRecord(asRecord(asRecord(spec)['selector'])['matchLabels'])).length > 0;
}

const modeOf = (mtls: unknown): string => stringAt(asRecord(mtls), 'mode') ?? 'UNSET';
const modeAt = (spec: Readonly<Record<string, unknown>>, field: string): string => modeOf(spec[field]);
