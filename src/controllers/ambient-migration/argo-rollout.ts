import { ANNOTATION } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { FieldChange } from '../../kube/patch.js';
import type { OwnerReference } from '../../kube/resource.js';
import type { Deployment } from '../../kube/types.js';
import { resolveAmount } from '../../mesh/rollout.js';
import { ARGO_ROLLOUT, type ArgoRollout } from '../../kube/argo-rollouts.js';
import { type PodView, timeOf } from './pods.js';
import { type RestartMark, type Workload, formatRestartMark, parseRestartMark } from './workloads.js';

/** The Rollout that owns a ReplicaSet; undefined if none does. */
export function argoOwner(owners: readonly OwnerReference[] | undefined): string | undefined {
  const isArgo = ({ apiVersion, kind }: OwnerReference): boolean =>
    kind === ARGO_ROLLOUT.kind && apiVersion.startsWith(`${ARGO_ROLLOUT.group}/`);
  return owners?.find(isArgo)?.name;
}

/** Name of the Deployment whose pod template a Rollout uses; undefined if it has its own, or that of another kind. */
export function referencedDeployment({ spec }: ArgoRollout): string | undefined {
  return spec?.workloadRef?.kind === 'Deployment' ? spec.workloadRef.name : undefined;
}

/**
 * View of an Argo Rollout. A restart of it is no update: there are no canary steps, and the ReplicaSets stay. So its pods
 * carry no mark of ours, and are told by the time of their creation.
 *
 * @param referenced  the Deployment that `spec.workloadRef` names
 * @param pods  those of all its ReplicaSets
 * @see argoproj/argo-rollouts docs/features/restart.md, rollout/restart.go, utils/rollout/rolloututil.go (GetRolloutPhase)
 */
export function argoRolloutView(
  rollout: ArgoRollout,
  referenced: Deployment | undefined,
  pods: readonly PodView[],
): Workload {
  const { metadata, spec = {}, status = {} } = rollout;
  const replicas = spec.replicas ?? 1;
  const template = spec.template ?? referenced?.spec.template;
  const restartMark = parseRestartMark(metadata.annotations?.[OWN_ANNOTATION.restart]);
  const restartedAtMs = timeOf(metadata.annotations?.[ANNOTATION.restartedAt]);
  const observed = Number(status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const restarted = timeOf(spec.restartAt) === 0 || timeOf(spec.restartAt) === timeOf(status.restartedAt);
  const finished = observed && restarted && status.phase === 'Healthy';
  // At least one pod at a time, whatever maxUnavailable says, and no surge.
  const atOnce = Math.max(1, resolveAmount(spec.strategy?.canary?.maxUnavailable ?? 0, replicas, Math.floor));
  return {
    kind: 'Rollout',
    name: metadata.name,
    replicas,
    template: template ?? { spec: { containers: [] } },
    volumeClaims: [],
    pods: pods.filter((pod) => pod.live),
    draining: pods.filter((pod) => pod.drainsUntilMs !== undefined),
    observed,
    finished,
    progress: finished ? undefined : progressOf(status),
    restartMark,
    restartedAtMs,
    templateMark: undefined,
    reverted: restartMark !== undefined && timeOf(spec.restartAt) < restartedAtMs,
    enrolment: undefined,
    // It evicts, so a budget is asked for each pod.
    maxUnavailable: 1,
    obstacle: template === undefined ? 'NoTemplate' : spec.paused === true ? 'Paused' : undefined,
    onDelete: undefined,
    outage: atOnce >= replicas,
    recreates: false,
  };
}

/**
 * The changes that restart an Argo Rollout. Its controller replaces what was created before that second, so that it must be
 * later than the youngest pod.
 */
export function argoRestartChanges({ pods }: Workload, mark: RestartMark, nowMs: number): FieldChange[] {
  const earliestMs = Math.max(nowMs, ...pods.map(({ createdAtMs }) => createdAtMs + 1_000));
  const restartAt = new Date(Math.ceil(earliestMs / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
  const annotations = ['metadata', 'annotations'];
  return [
    { path: [...annotations, OWN_ANNOTATION.restart], value: formatRestartMark(mark) },
    { path: [...annotations, ANNOTATION.restartedAt], value: restartAt },
    { path: ['spec', 'restartAt'], value: restartAt },
  ];
}

function progressOf({ phase, message }: NonNullable<ArgoRollout['status']>): string {
  return [phase ?? 'no word of its controller', message].filter(Boolean).join(': ');
}
