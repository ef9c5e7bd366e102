import type { Manifest } from '../../../cdk8s/objects.js';
import { ambientPolicy } from '../../../cdk8s/policies.js';
import { type PolicyObject, asRecord, asRecords, objectName } from '../../mesh/policy-object.js';
import { listed } from '../listed.js';
import { nameOfPolicy } from './acceptance.js';
import { routesOf } from './forms.js';
import type { Observed } from './observed.js';
import { isBackend } from './unnamed-backends.js';
import type { Verdict } from './verdict.js';

/**
 * How old a Service is before a route names it, and how long it stays after the last one that did: its pods are in EndpointSlices by
 * then, and these at proxies, and so are the routes. The cluster's own slices are too many to be watched for that.
 */
const PROXIES_KNOW_MS = 10_000;

/** Conditions of a parent that istiod sets to `True` once it carries a route out. */
const WANTED_CONDITIONS = ['Accepted', 'ResolvedRefs'];

/** HTTPRoutes in place of VirtualServices, and what they name, complete. What a person has written as we would stays theirs. */
export function wantedRoutes(observed: Observed): Manifest[] {
  const namespace = observed.namespace.metadata.name;
  const isTaken = ({ kind, metadata }: PolicyObject): boolean =>
    observed.policies.some(
      (one) => one.kind === kind && one.metadata.name === metadata.name && one.metadata.namespace === namespace,
    );
  return (routesOf(observed)?.written ?? []).flatMap(({ object, source }) =>
    isTaken(object) ? [] : [ambientPolicy(object, objectName(source, namespace))],
  );
}

/** VirtualServices that have no HTTPRoutes of ours today. Those of yesterday stay. */
export function unsaidRoutes(observed: Observed): string[] {
  const namespace = observed.namespace.metadata.name;
  return [...(routesOf(observed)?.refused.keys() ?? [])].map((virtualService) => objectName(virtualService, namespace));
}

/** Objects that may be written now: no route before what it may name. */
export function writableNow<T extends { readonly manifest: Manifest }>(writes: readonly T[], observed: Observed): T[] {
  const areBackendsMissing = writes.some(({ manifest }) => isBackend(manifest));
  const isHeld = areBackendsMissing || backendsSettleInMs(observed) > 0;
  return writes.filter(({ manifest }) => manifest.kind !== 'HTTPRoute' || !isHeld);
}

/** What keeps the rest of them, once everything that {@link writableNow} gives is written. */
export function settlingVerdict(writes: readonly { readonly manifest: Manifest }[], observed: Observed): Verdict {
  const names = writes.map(({ manifest }) => nameOfPolicy(manifest));
  const message = `${listed(names)}: pods of new Services that it may name are awaited`;
  return { kind: 'wait', reason: 'BackendsSettling', message, recheckMs: backendsSettleInMs(observed) };
}

function backendsSettleInMs({ translated, nowMs }: Observed): number {
  const madeMs = translated
    .filter(({ kind }) => kind === 'Service')
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') || 0);
  return Math.max(0, ...madeMs.map((each) => each + PROXIES_KNOW_MS - nowMs));
}

/** Of objects that are to be deleted, those that may go now: nothing that a proxy may still send requests to. */
export function removableNow(objects: readonly PolicyObject[], observed: Observed): PolicyObject[] {
  return objects.filter((object) => !isBackend(object) || leavesInMs(object, observed) <= 0);
}

/** What keeps the rest of them, once all that {@link removableNow} gives is deleted; undefined: there is nothing more. */
export function leavingVerdict(objects: readonly PolicyObject[], observed: Observed): Verdict | undefined {
  const kept = objects.filter(isBackend);
  if (kept.length === 0) return undefined;
  const message = `${listed(kept.map(nameOfPolicy))}: proxies are to know first that no route names it any more`;
  const recheckMs = Math.max(0, ...kept.map((one) => leavesInMs(one, observed)));
  return { kind: 'wait', reason: 'BackendsSettling', message, recheckMs };
}

function leavesInMs({ kind, metadata }: PolicyObject, { unnamedSince, nowMs }: Observed): number {
  return (unnamedSince.get(`${kind}/${metadata.name}`) ?? nowMs) + PROXIES_KNOW_MS - nowMs;
}

/** What istiod has still to say of a route as it is now; undefined: it carries it out for all its parents. */
export function routeProblem(route: PolicyObject): string | undefined {
  const { metadata, spec, status } = route as PolicyObject & { metadata: { generation?: number }; status?: unknown };
  const entries = asRecords(asRecord(status)['parents']);
  for (const parent of asRecords(asRecord(spec)['parentRefs'])) {
    const entry = entries.find(({ parentRef }) => {
      const { name, port } = asRecord(parentRef);
      return name === parent['name'] && port === parent['port'];
    });
    for (const type of WANTED_CONDITIONS) {
      const condition = asRecords(entry?.['conditions']).find((one) => one['type'] === type);
      const { generation = 0 } = metadata;
      const isOfNow = Number(condition?.['observedGeneration'] ?? generation) === generation;
      if (!condition || !isOfNow) return `no condition ${type} for Service ${String(parent['name'])}`;
      if (condition['status'] !== 'True') return `${String(condition['reason'])}, ${String(condition['message'])}`;
    }
  }
  return undefined;
}
