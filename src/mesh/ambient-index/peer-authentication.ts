import { asRecord, type Labels, type PolicyObject } from '../policy-object.js';
import type { LocalMatch, LocalPolicy } from '../ztunnel-config.js';
import { hasSelector } from './authorization.js';
import { byNamespace, compareAge, selectingIn } from './namespaces.js';
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
  readonly metadata: { readonly name: string; readonly namespace: string };
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
  const peersIn = byNamespace(peers);
  const wide = (namespace: string): Peer | undefined =>
    peersIn(namespace).find(({ selector }) => selector === undefined);
  const selecting = selectingIn(peers, ({ selector = {} }) => selector);
  const converted = peers.flatMap((peer) =>
    peer.metadata.namespace === rootNamespace || !peer.selector || peer.ports.length === 0
      ? []
      : (convertedOf(peer, wide(peer.metadata.namespace), wide(rootNamespace)) ?? []),
  );
  return {
    policies: [...converted, ...(peers.length > 0 ? [denial(STRICT_POLICY, rootNamespace, [[[NO_PRINCIPAL]]])] : [])],
    policiesOf: (namespace, labels) => {
      const own = selecting(namespace, labels);
      const ofNamespace = own.find(isWide);
      if (namespace === rootNamespace) return effective(ofNamespace, undefined, undefined, rootNamespace);
      return effective(
        wide(rootNamespace),
        ofNamespace,
        own.find((peer) => !isWide(peer)),
        rootNamespace,
      );
    },
  };
}

const modeOf = (value: unknown): Mode => (asRecord(value)['mode'] as Mode | undefined) ?? 'UNSET';

function peerOf(object: PolicyObject): Peer {
  const spec = asRecord(object.spec);
  return {
    metadata: { name: object.metadata.name, namespace: object.metadata.namespace ?? '' },
    mode: modeOf(spec['mtls']),
    ports: Object.entries(asRecord(spec['portLevelMtls']))
      .map(([port, value]) => [Number(port), modeOf(value)] as const)
      .sort(([a], [b]) => a - b),
    selector: hasSelector(spec) ? (asRecord(asRecord(spec['selector'])['matchLabels']) as Labels) : undefined,
  };
}

const isWide = ({ selector }: Peer): boolean => Object.keys(selector ?? {}).length === 0;

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
  return rules.length > 0 ? denial(`${PREFIX}${peer.metadata.name}`, peer.metadata.namespace, rules) : undefined;
}

function denial(name: string, namespace: string, rules: LocalPolicy['rules']): LocalPolicy {
  return { name, namespace, scope: 'WorkloadSelector', action: 'Deny', rules, dryRun: false };
}

/**
 * The names of what holds for a workload, by the oldest PeerAuthentication each of mesh, namespace and workload: the nearer before
 * the wider. The policy that is named may not be there, where istiod thinks that there is nothing to convert.
 */
function effective(
  ofMesh: Peer | undefined,
  ofNamespace: Peer | undefined,
  workload: Peer | undefined,
  rootNamespace: string,
): string[] {
  const [mode, namespaceMode, meshMode] = [workload, ofNamespace, ofMesh].map((peer) => peer?.mode ?? 'UNSET');
  const isStrictInherited = (namespaceMode === 'UNSET' ? meshMode : namespaceMode) === 'STRICT';
  const isStrict = mode === 'UNSET' ? isStrictInherited : mode === 'STRICT';
  // DISABLE of a port counts only where the workload's own mode is STRICT.
  const differs = (of: Mode): boolean =>
    isStrict ? of === 'PERMISSIVE' || (of === 'DISABLE' && mode === 'STRICT') : of === 'STRICT';
  if (workload?.ports.some(([, of]) => differs(of)) === true)
    return [`${workload.metadata.namespace}/${PREFIX}${workload.metadata.name}`];
  return isStrict ? [`${rootNamespace}/${STRICT_POLICY}`] : [];
}
