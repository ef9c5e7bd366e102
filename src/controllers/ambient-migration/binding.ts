import equal from 'fast-deep-equal';
import * as z from 'zod';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';
import type { Service } from '../../kube/types.js';
import { boundWaypoint, isHeldByAccount, isHeldByMigration, markedLabels } from '../../mesh/waypoint-holders.js';
import { namesWaypoint } from '../../mesh/waypoint-needs.js';
import { type Asker, type Attempt, attemptsOf } from './attempts.js';
import { isEnrolledNamespace } from './enrolment.js';
import type { Observed } from './observed.js';
import { isInjected } from './preflight.js';
import type { Waypoint } from './intended-waypoint.js';
import { isChosen } from './scope.js';
import { type Workload, templateLabels } from './workloads.js';

type Labels = Readonly<Record<string, string>>;

/** Kinds whose objects name a waypoint for us. */
export type BoundKind = 'Namespace' | 'Service' | 'ServiceAccount';

/** An object, and the waypoint labels that a migration wants on it; none: those of ours go. */
export interface Target {
  readonly kind: BoundKind;
  readonly object: KubeObject;
  readonly labels: Labels;
}

const MarkSchema = z.object({
  generation: z.int(),
  attempt: z.int(),
  migration: z.string().exactOptional(),
  labels: z.record(z.string(), z.string()),
  refused: z.string().exactOptional(),
});

/**
 * Our mark on an object that names a waypoint, as JSON in its annotation. It tells our labels from other people's, also after
 * the spec has changed, and bounds how often a reverted one is set again.
 */
export interface BindingMark extends Attempt {
  /** The labels that are ours, with the values that we have set. */
  readonly labels: Labels;
  /** The state of policies for which the labels were taken away again. */
  readonly refused?: string | undefined;
}

/** Reads the mark; undefined if the object carries none, or one that is not ours. */
export function bindingMark({ metadata }: KubeObject): BindingMark | undefined {
  const value = metadata.annotations?.[OWN_ANNOTATION.waypointLabels];
  if (value === undefined) return undefined;
  try {
    return MarkSchema.parse(JSON.parse(value));
  } catch {
    return { generation: 0, attempt: 0, labels: {} };
  }
}

/** Everything that carries a mark, or should carry labels of the waypoint; `undefined`: everything that is ours goes. */
export function targetsOf(observed: Observed, waypoint: Waypoint | undefined): Target[] {
  const { services, accounts } = observed.waypoint;
  const all: readonly (readonly [BoundKind, KubeObject])[] = [
    ['Namespace', observed.namespace],
    ...accounts.map((account) => ['ServiceAccount', account] as const),
    ...services.map((service) => ['Service', service] as const),
  ];
  return all
    .map(([kind, object]) => ({ kind, object, labels: waypoint ? wantedLabels(observed, waypoint, kind, object) : {} }))
    .filter(({ object, labels }) => Object.keys(labels).length > 0 || bindingMark(object) !== undefined);
}

/** Whether an object carries a mark of a migration. */
export function isMarked(object: KubeObject): boolean {
  return bindingMark(object) !== undefined;
}

/**
 * Services whose requests are meant to go through the waypoint: they have an address of their own, for clients of others
 * address pods, and nobody has chosen otherwise for them.
 */
export function intendedServices(observed: Observed, waypoint: Waypoint): Service[] {
  const reaches = reachOf(observed, waypoint);
  return observed.waypoint.services.filter(
    (service) => hasAddress(service) && !isChosen(service, waypoint) && reaches(service),
  );
}

function reachOf(observed: Observed, waypoint: Waypoint): (service: Service) => boolean {
  switch (waypoint.scope) {
    case 'Namespace': {
      const isOpen = !isChosen(observed.namespace, waypoint);
      return (service) => isOpen || namesWaypoint(service, waypoint);
    }
    case 'Service': {
      const labels = observed.workloads.filter((workload) => isInMesh(observed, workload)).map(templateLabels);
      return (service) => labels.some((podLabels) => selects(service, podLabels));
    }
    case 'ServiceAccount':
      // The controller `service-account` knows whose pods a Service has.
      return (service) => boundWaypoint(service) !== undefined && namesWaypoint(service, waypoint);
  }
}

function wantedLabels(observed: Observed, waypoint: Waypoint, kind: BoundKind, object: KubeObject): Labels {
  const named: Labels = {
    [LABEL.useWaypoint]: waypoint.name,
    ...(!waypoint.own && { [LABEL.useWaypointNamespace]: waypoint.namespace }),
  };
  // Whatever names a former waypoint of ours moves with the others; what it is out of scope for goes after that.
  const moved = isHeldByMigration(object) && !namesWaypoint(object, waypoint) ? { ...othersOf(object), ...named } : {};
  if (kind !== 'Service') {
    const isBound = kind === 'Namespace' ? waypoint.scope === 'Namespace' : isUsed(observed, waypoint, object);
    return isBound && !isChosen(object, waypoint) ? named : moved;
  }
  if (!intendedServices(observed, waypoint).some(({ metadata }) => metadata.name === object.metadata.name))
    return moved;
  return {
    ...moved,
    ...(waypoint.scope === 'Service' && named),
    ...(waypoint.needed && { [LABEL.ingressUseWaypoint]: 'true' }),
  };
}

/** What a migration has set besides the labels that name a waypoint. */
function othersOf(object: KubeObject): Labels {
  const { [LABEL.ingressUseWaypoint]: ingress } = markedLabels(object);
  const isThere = ingress !== undefined && object.metadata.labels?.[LABEL.ingressUseWaypoint] === ingress;
  return isThere ? { [LABEL.ingressUseWaypoint]: ingress } : {};
}

function isUsed(observed: Observed, { scope }: Waypoint, account: KubeObject): boolean {
  const users = observed.workloads.filter(
    ({ template }) => (template.spec.serviceAccountName ?? 'default') === account.metadata.name,
  );
  return scope === 'ServiceAccount' && users.some((workload) => isInMesh(observed, workload));
}

/** A workload that the migration moves, now and after it is moved. */
function isInMesh(observed: Observed, workload: Workload): boolean {
  const { kind, name, pods } = workload;
  const before = observed.snapshot?.data.workloads.find((one) => one.kind === kind && one.name === name);
  if (before?.injected === true || isInjected(observed, workload)) return true;
  // Its next pod is ambient, whatever its pods are at this moment.
  const mode = templateLabels(workload)[LABEL.dataplaneMode];
  return isEnrolledNamespace(observed.namespace) ? mode !== 'none' : pods.some((pod) => pod.mode !== 'none');
}

/** Whether clients have an address of the Service itself to send to, and it is not that of a waypoint. */
export function hasAddress({ metadata, spec }: Service): boolean {
  const isProxy = metadata.labels?.[LABEL.gatewayManaged] !== undefined;
  return !isProxy && spec.type !== 'ExternalName' && spec.clusterIP !== 'None';
}

/** Whether a Service selects pods with such labels. */
export function selects({ spec }: Service, labels: Labels): boolean {
  const selector = Object.entries(spec.selector ?? {});
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
}

/** What has to be written on an object so that it carries exactly the labels that are wanted of us. */
export interface BindingChange {
  /** Labels that are set or taken away; empty: at most the mark changes. */
  readonly labels: Readonly<Record<string, string | undefined>>;
  /** The mark of then; undefined: none is left. */
  readonly mark: BindingMark | undefined;
  /** A label that we have set is gone, or has another value. */
  readonly isReverted: boolean;
  /** The controller of accounts has set a label that is wanted of us, too: both hold it from now on. */
  readonly isJoining: boolean;
}

/**
 * The change that a target needs; undefined if it is as it should be. A label that is there already is somebody's, and neither
 * changed nor taken over; but one of the controller of accounts is held by the migration, too, and stays while either holds it.
 */
export function changeFor(
  { object, labels: wanted }: Pick<Target, 'object' | 'labels'>,
  asker: Asker,
): BindingChange | undefined {
  const live = object.metadata.labels ?? {};
  const mark = bindingMark(object);
  const ours = Object.entries(mark?.labels ?? {}).filter(([key, value]) => live[key] === value);
  const isOurs = (key: string): boolean => ours.some(([own]) => own === key);
  const isAccounts = keysOfAccount(object);
  const set = Object.entries(wanted).filter(
    ([key, value]) => live[key] !== value && (live[key] === undefined || isOurs(key)),
  );
  const removed = ours
    .filter(([key]) => wanted[key] === undefined && !isAccounts(key))
    .map(([key]) => [key, undefined] as const);
  const kept = Object.entries(wanted).filter(([key, value]) => live[key] === value && (isOurs(key) || isAccounts(key)));
  const isJoining = kept.some(([key]) => !isOurs(key));
  const isReverted = set.some(([key]) => mark?.labels[key] !== undefined && live[key] === undefined);
  const attempt = Math.max(1, attemptsOf(mark, asker) + (isReverted ? 1 : 0));
  const left = Object.fromEntries([...kept, ...set].sort(([a], [b]) => (a < b ? -1 : 1)));
  const labels = Object.fromEntries([...set, ...removed]);
  const isChanged = Object.keys(labels).length > 0;
  if (!isChanged && equal(left, mark?.labels ?? {}) && (mark === undefined || Object.keys(left).length > 0))
    return undefined;
  const next = Object.keys(left).length > 0 ? { ...asker, attempt, labels: left } : undefined;
  return { labels, mark: next, isReverted, isJoining };
}

/** The fields that a change writes. */
export function fieldChanges({ labels, mark }: Pick<BindingChange, 'labels' | 'mark'>): FieldChange[] {
  return [
    ...Object.entries(labels).map(([key, value]) => ({ path: ['metadata', 'labels', key], value })),
    {
      path: ['metadata', 'annotations', OWN_ANNOTATION.waypointLabels],
      value: mark && JSON.stringify(mark),
    },
  ];
}

/** The change but for labels that it would take away, and that somebody else has declared, too: those are left to him. */
export function withoutDeclared(change: BindingChange, isDeclared: (label: string) => boolean): BindingChange {
  const left = Object.entries(change.labels).filter(([key, value]) => value !== undefined || !isDeclared(key));
  return { ...change, labels: Object.fromEntries(left) };
}

/** The change that takes the labels of ours away for the policies of now, and remembers it. */
export function refusalChange({ object }: Pick<Target, 'object'>, refused: string, asker: Asker): BindingChange {
  const ours = Object.entries(bindingMark(object)?.labels ?? {}).filter(
    ([key, value]) => object.metadata.labels?.[key] === value && !keysOfAccount(object)(key),
  );
  const labels = Object.fromEntries(ours.map(([key]) => [key, undefined]));
  return { labels, mark: { ...asker, attempt: 1, labels: {}, refused }, isReverted: false, isJoining: false };
}

/** Which labels of an object the controller of accounts holds. */
function keysOfAccount(object: KubeObject): (key: string) => boolean {
  const isHeld = isHeldByAccount(object);
  return (key) => isHeld && (key === LABEL.useWaypoint || key === LABEL.useWaypointNamespace);
}
