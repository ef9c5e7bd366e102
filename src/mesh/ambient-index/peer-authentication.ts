import { asRecord, type Labels, type PolicyObject, selects } from '../policy-object.js';
import type { LocalMatch, LocalPolicy } from '../ztunnel-config.js';
import { hasSelector } from './authorization.js';
import { byNamespace, compareAge } from './namespaces.js';
import type { IndexSettings } from './objects.js';

/*
 * ztunnel knows no PeerAuthentication. istiod makes policies of them that deny what has no principal, hence came without mTLS:
 * one for all that is STRICT, and one for each PeerAuthentication whose ports differ from the rest.
 */

const STRICT_POLICY = 'istio_converted_static_strict';
const PREFIX = 'converted_peer_authentication_';
const NO_PRINCIPAL: LocalMatch = { notPrincipals: [{ Presence: [] }] };

type Mode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT';

/** A PeerAuthentication, read. */
interface Peer {
  readonly object: PolicyObject;
  readonly namespace: string;
  readonly mode: Mode;
  /** By ascending port. */
  readonly ports: readonly (readonly [port: number, mode: Mode])[];
  /** Undefined without selector. */
  readonly selector: Labels | undefined;
}

/** The PeerAuthentications of a mesh as ztunnel gets them. */
export interface PeerPolicies {
  readonly policies: readonly LocalPolicy[];
  /** Names of those that hold for a workload with these labels. */
  readonly policiesOf: (namespace: string, labels: Labels) => readonly string[];
}

/**
 * Reads the PeerAuthentications of a mesh.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/{authorization,policies}.go
 */
export function readPeerAuthentications(
  objects: readonly PolicyObject[],
  settings: Pick<IndexSettings, 'rootNamespace'>,
): PeerPolicies {
  const { rootNamespace } = settings;
  const peers = [...objects].sort(compareAge).map(peerOf);
  const inNamespace = byNamespace(peers.map((peer) => ({ peer, metadata: peer })));
  const peersIn = (namespace: string): Peer[] => inNamespace(namespace).map(({ peer }) => peer);
  const wide = (namespace: string): Peer | undefined =>
    peersIn(namespace).find(({ selector }) => selector === undefined);
  const converted = peers.flatMap((peer) =>
    peer.namespace === rootNamespace || !peer.selector || peer.ports.length === 0
      ? []
      : (convertedOf(peer, wide(peer.namespace), wide(rootNamespace)) ?? []),
  );
  return {
    policies: [...converted, ...(peers.length > 0 ? [denial(STRICT_POLICY, rootNamespace, [[[NO_PRINCIPAL]]])] : [])],
    policiesOf: (namespace, labels) =>
      effective([...new Set([namespace, rootNamespace])].flatMap(peersIn), namespace, labels, rootNamespace),
  };
}

const modeOf = (value: unknown): Mode => (asRecord(value)['mode'] as Mode | undefined) ?? 'UNSET';

function peerOf(object: PolicyObject): Peer {
  const spec = asRecord(object.spec);
  return {
    object,
    namespace: object.metadata.namespace ?? '',
    mode: modeOf(spec['mtls']),
    ports: Object.entries(asRecord(spec['portLevelMtls']))
      .map(([port, value]) => [Number(port), modeOf(value)] as const)
      .sort(([a], [b]) => a - b),
    selector: hasSelector(spec) ? (asRecord(asRecord(spec['selector'])['matchLabels']) as Labels) : undefined,
  };
}

const isOpen = (mode: Mode): boolean => mode === 'PERMISSIVE' || mode === 'DISABLE';

/** The policy of a PeerAuthentication with ports of their own; undefined if they change nothing that ztunnel enforces. */
function convertedOf(peer: Peer, ofNamespace: Peer | undefined, ofMesh: Peer | undefined): LocalPolicy | undefined {
  const { mode } = peer;
  const namespaceMode = ofNamespace?.mode ?? 'UNSET';
  const meshMode = ofMesh?.mode ?? 'UNSET';
  // istiod's own slip: with a STRICT mesh a STRICT port adds nothing, even if the workload's own mode is PERMISSIVE.
  const isStrictAbove =
    mode === 'STRICT' ||
    (mode === 'UNSET' && namespaceMode === 'STRICT') ||
    (namespaceMode === 'UNSET' && meshMode === 'STRICT');
  const isStrictInherited = ofNamespace ? namespaceMode === 'STRICT' : meshMode === 'STRICT';
  const strictPorts = peer.ports.filter(([, of]) => of === 'STRICT' && !isStrictAbove);
  const openPorts = peer.ports.filter(
    ([, of]) => isOpen(of) && !isOpen(mode) && (mode === 'STRICT' || isStrictInherited),
  );
  if (mode === 'STRICT' && openPorts.length === 0) return undefined;
  const isMerged = namespaceMode === 'STRICT' || (namespaceMode === 'UNSET' && meshMode === 'STRICT');
  const clauses = [
    ...(mode === 'STRICT' ? [[NO_PRINCIPAL]] : []),
    ...openPorts.map(([port]) => [{ notDestinationPorts: [port] }]),
    ...(isMerged && openPorts.length > 0 ? [[NO_PRINCIPAL]] : []),
  ];
  const rules = [
    ...strictPorts.map(([port]) => [[{ ...NO_PRINCIPAL, destinationPorts: [port] }]]),
    ...(clauses.length > 0 ? [clauses] : []),
  ];
  return rules.length > 0 ? denial(`${PREFIX}${peer.object.metadata.name}`, peer.namespace, rules) : undefined;
}

function denial(name: string, namespace: string, rules: LocalPolicy['rules']): LocalPolicy {
  return { name, namespace, scope: 'WorkloadSelector', action: 'Deny', rules, dryRun: false };
}

/**
 * The names of what holds for a workload: of mesh, namespace and workload the oldest each, the nearer before the wider. The
 * policy that is named may not be there, where istiod thinks that there is nothing to convert.
 */
function effective(peers: readonly Peer[], namespace: string, labels: Labels, rootNamespace: string): string[] {
  const isWide = ({ selector }: Peer): boolean => Object.keys(selector ?? {}).length === 0;
  const applying = peers.filter(
    (peer) =>
      (peer.namespace === rootNamespace && peer.selector === undefined) ||
      (peer.namespace === namespace && selects(peer.selector ?? {}, labels)),
  );
  const ofMesh = applying.find((peer) => isWide(peer) && peer.namespace === rootNamespace)?.mode ?? 'UNSET';
  const ofNamespace = applying.find((peer) => isWide(peer) && peer.namespace !== rootNamespace)?.mode ?? 'UNSET';
  const workload = applying.find((peer) => !isWide(peer) && peer.namespace !== rootNamespace);
  const isStrictInherited = (ofNamespace === 'UNSET' ? ofMesh : ofNamespace) === 'STRICT';
  const mode = workload?.mode ?? 'UNSET';
  const isStrict = mode === 'UNSET' ? isStrictInherited : mode === 'STRICT';
  // DISABLE of a port counts only where the workload's own mode is STRICT.
  const differs = (of: Mode): boolean =>
    isStrict ? of === 'PERMISSIVE' || (of === 'DISABLE' && mode === 'STRICT') : of === 'STRICT';
  const hasOwn = workload?.ports.some(([, of]) => differs(of)) === true;
  const strict = isStrict && !hasOwn ? [`${rootNamespace}/${STRICT_POLICY}`] : [];
  const own = hasOwn ? [`${workload.namespace}/${PREFIX}${workload.object.metadata.name}`] : [];
  return [...strict, ...own].sort();
}
