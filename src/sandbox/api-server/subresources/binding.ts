import { podSpec } from '../builtin/pod-spec.js';
import { type PodCondition, podStatus } from '../builtin/pod-status.js';
import { badRequest, conflict, StatusError } from '../errors.js';
import type { ApiObject } from '../object.js';
import { timestamp } from '../writes/object-meta.js';
import type { Action, ActionRequest } from '../subresource.js';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

interface Target {
  kind?: string;
  name?: string;
}

/** Wrong targets are a 500 upstream, too. */
function validate(target: Target): void {
  if (target.kind && target.kind !== 'Node') {
    const kind = JSON.stringify(target.kind);
    throw new StatusError(500, '', `target.kind: Unsupported value: ${kind}: supported values: "Node", "<empty>"`);
  }
  if (!target.name) throw new StatusError(500, '', 'target.name: Required value');
}

/** Why a pod cannot be bound. */
function obstacle(pod: ApiObject): string | undefined {
  const { name, deletionTimestamp } = pod.metadata;
  const { nodeName, schedulingGates = [] } = podSpec(pod);
  if (deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (nodeName) return `pod ${name} is already assigned to node ${JSON.stringify(nodeName)}`;
  return schedulingGates.length > 0 ? `pod ${name} has non-empty .spec.schedulingGates` : undefined;
}

/** Adds a condition, or changes it; the time only changes with the status. */
export function setCondition(pod: ApiObject, condition: PodCondition & { message?: string }, now: number): void {
  const { conditions = [] } = podStatus(pod);
  const before = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime =
    before?.status === condition.status
      ? (before as PodCondition & { lastTransitionTime?: string }).lastTransitionTime
      : timestamp(now);
  const next = { lastProbeTime: null, ...before, ...condition, lastTransitionTime };
  pod.status = {
    ...podStatus(pod),
    conditions: before ? conditions.map((each) => (each === before ? next : each)) : [...conditions, next],
  };
}

function bind({ resource, namespace, name, body, dryRun, now, operations }: ActionRequest): void {
  const { annotations, labels, uid, resourceVersion } = body.metadata;
  const target = body.target as { name: string };
  operations.update(
    resource,
    { namespace, name },
    (pod) => {
      const why = obstacle(pod);
      if (why !== undefined) throw conflict({ group: '', plural: 'pods/binding' }, name, why);
      if (uid && uid !== pod.metadata.uid) throw precondition(name, 'UID', uid, pod.metadata.uid);
      if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion) {
        throw precondition(name, 'ResourceVersion', resourceVersion, pod.metadata.resourceVersion);
      }
      podSpec(pod).nodeName = target.name;
      if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
      if (labels) pod.metadata.labels = { ...pod.metadata.labels, ...labels };
      setCondition(pod, { type: 'PodScheduled', status: 'True' }, now);
    },
    { dryRun, subresource: 'binding' },
  );
}

function precondition(name: string, what: string, wanted: string, is: string): StatusError {
  const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${is}`;
  return conflict({ group: '', plural: 'pods' }, name, why);
}

/** Puts a pod onto a node: what schedulers create. */
export const binding: Action = {
  type: 'action',
  kind: { group: '', version: 'v1', kind: 'Binding' },
  async create(request) {
    if (request.body.metadata.name !== request.name) {
      throw badRequest('name in URL does not match name in Binding object');
    }
    validate(request.body.target ?? {});
    bind(request);
    return { body: success };
  },
};
