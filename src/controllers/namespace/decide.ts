import { LABEL } from '../../api/labels.js';
import { referenceTo } from '../../kube/events.js';
import type { Namespace, Pod } from '../../kube/types.js';
import { decideWaypoint, MISSING_MS, type Step, whyNotMade } from '../../mesh/created-waypoint.js';
import { counts, hasSidecar, isEnrolled, isGateway } from '../../mesh/dataplane.js';
import { refKey } from '../../mesh/use-waypoint.js';
import type { State } from '../../runtime/state-events.js';
import { listed } from '../listed.js';
import type { Observed, Unbound } from './observed.js';

/** How the pods of a namespace take part in the mesh, as its annotation says. */
export type Dataplane = 'Sidecar' | 'Ambient' | 'Mixed' | 'None';

/** What is to be done about a namespace. */
export interface Decision {
  /** About its waypoint. */
  readonly steps: readonly Step[];
  /** Undefined where the mesh has nothing to do with it. */
  readonly dataplane: Dataplane | undefined;
  /** What people should know if it lasts. */
  readonly states: readonly State[];
  /** When to look again if nothing changes. */
  readonly waitMs: number | undefined;
}

/** How long something must last before an Event says so: pods start, and Gateways come after labels. */
const LASTING_MS = 30_000;

/** A waypoint that will be made is told only if it was not. */
const PENDING_MS = MISSING_MS + LASTING_MS;

/** Whether the namespace says that its pods are to be in ambient mode. */
export function isAmbient({ metadata }: Namespace): boolean {
  return metadata.labels?.[LABEL.dataplaneMode] === 'ambient';
}

/** Decides what to do about a namespace; pure. */
export function decide(observed: Observed): Decision {
  const { steps, pending, waitMs } = decideWaypoint(observed.waypoint);
  const modes = modesOf(observed.pods);
  const unbound = observed.unbound.map((one) => unboundState(one, pending, observed));
  const podStates = observed.hasMigration ? [] : [...bothModes(observed, modes), ...outside(observed, modes)];
  return { steps, dataplane: dataplaneOf(observed.namespace, modes), states: [...unbound, ...podStates], waitMs };
}

/** Names of the pods that count, by how they take part. */
interface Modes {
  readonly sidecar: readonly string[];
  readonly ambient: readonly string[];
  /** Ready, with neither. */
  readonly none: readonly Pod[];
}

function modesOf(pods: readonly Pod[]): Modes {
  const workloads = pods.filter((pod) => counts(pod) && !isGateway(pod));
  const names = (some: readonly Pod[]): string[] => some.map(({ metadata }) => metadata.name).sort();
  const isReady = ({ status }: Pod): boolean =>
    status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  return {
    sidecar: names(workloads.filter(hasSidecar)),
    ambient: names(workloads.filter(isEnrolled)),
    none: workloads.filter((pod) => !hasSidecar(pod) && !isEnrolled(pod) && isReady(pod)),
  };
}

/** Pods say what is; labels say what will be, where there are no pods. */
function dataplaneOf(namespace: Namespace, { sidecar, ambient, none }: Modes): Dataplane | undefined {
  if (sidecar.length > 0) return ambient.length > 0 ? 'Mixed' : 'Sidecar';
  if (ambient.length > 0) return 'Ambient';
  if (!isAmbient(namespace) && !isInjected(namespace)) return undefined;
  if (none.length > 0) return 'None';
  return isAmbient(namespace) && namespace.metadata.labels?.[LABEL.injection] !== 'enabled' ? 'Ambient' : 'Sidecar';
}

/** Whether new pods get a sidecar, as far as labels of the namespace say. */
function isInjected({ metadata: { labels = {} } }: Namespace): boolean {
  const { [LABEL.injection]: injection, [LABEL.revision]: revision } = labels;
  return injection === undefined ? revision !== undefined : injection === 'enabled';
}

function unboundState(
  { ref, obstacle, byNamespace, services }: Unbound,
  pending: string | undefined,
  { namespace, waypoint }: Observed,
): State {
  const { name } = namespace.metadata;
  const isMissing = obstacle.kind === 'missing';
  const isOwn = isMissing && byNamespace && ref.namespace === name;
  const isPending = isOwn && pending === ref.name;
  const who = [
    ...(byNamespace ? [`namespace ${name}`] : []),
    ...(services.length > 0 ? [`Service ${listed(services)}`] : []),
  ].join(' and ');
  const note = `${obstacle.message}: traffic to ${who} goes around it, without its policies and routes`;
  const hint = isOwn && !isPending ? whyNotMade(waypoint) : '';
  return {
    id: `${obstacle.kind} ${refKey(ref)}`,
    afterMs: isPending ? PENDING_MS : LASTING_MS,
    event: eventOf(namespace, isMissing ? 'WaypointMissing' : 'WaypointNotBound', `${note}${hint}`),
  };
}

function bothModes({ namespace }: Observed, { sidecar }: Modes): State[] {
  if (!isAmbient(namespace)) return [];
  const isEnabled = namespace.metadata.labels?.[LABEL.injection] === 'enabled';
  if (!isEnabled && sidecar.length === 0) return [];
  const note = isEnabled
    ? `the labels ask for both modes, and a sidecar always wins: set ${LABEL.injection}=disabled, or take ${LABEL.dataplaneMode} away`
    : `the label asks for ambient mode, but a sidecar keeps out of it: ${listed(sidecar)}; restart without injection`;
  return [{ id: 'both', afterMs: LASTING_MS, event: eventOf(namespace, 'BothModes', note) }];
}

function outside({ namespace }: Observed, { none }: Modes): State[] {
  const isExpected = isAmbient(namespace)
    ? none
    : none.filter(({ metadata }) => isInjected(namespace) && metadata.labels?.[LABEL.inject] !== 'false');
  if (isExpected.length === 0) return [];
  const names = isExpected.map(({ metadata }) => metadata.name).sort();
  const note = isAmbient(namespace)
    ? `neither captured by ztunnel nor with a sidecar, in a namespace of ambient mode: ${listed(names)}; see the CNI agent of their nodes`
    : `without a sidecar, in a namespace with injection: ${listed(names)}; restart, or label them ${LABEL.inject}=false`;
  return [{ id: 'outside', afterMs: LASTING_MS, event: eventOf(namespace, 'PodsOutsideMesh', note) }];
}

/** Stored in the namespace itself, where its users may read it. */
function eventOf(namespace: Namespace, reason: string, note: string): State['event'] {
  const regarding = { ...referenceTo(namespace), namespace: namespace.metadata.name };
  return { regarding, type: 'Warning', reason, note, action: 'Observe' };
}
