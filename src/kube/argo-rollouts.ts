import { type KubeObject, namespaced } from './resource.js';
import type { LabelSelector } from './selectors.js';
import type { PodTemplate } from './types.js';

/**
 * A Rollout of Argo Rollouts: what a Deployment is, with canary and blue-green updates. The fields that we read.
 *
 * @see argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1/types.go
 */
export interface ArgoRollout extends KubeObject {
  spec?: {
    /** Default: 1. */
    replicas?: number;
    /** With `workloadRef` it may be absent. */
    selector?: LabelSelector;
    /** Absent with `workloadRef`. */
    template?: PodTemplate;
    /** The object whose pod template is used: a Deployment, a ReplicaSet or a PodTemplate. */
    workloadRef?: { apiVersion?: string; kind?: string; name?: string };
    paused?: boolean;
    /** RFC 3339: pods that were created before are evicted, and come back from the same ReplicaSet. */
    restartAt?: string;
    strategy?: { canary?: { maxUnavailable?: number | string } };
  };
  status?: {
    /** A number, as text. */
    observedGeneration?: string;
    /** The `restartAt` after which every pod was created. */
    restartedAt?: string;
    /** `Healthy`, `Progressing`, `Paused` or `Degraded`. */
    phase?: string;
    /** What is waited for, while it is not `Healthy`. */
    message?: string;
  };
}

/** Rollouts of Argo, in the one version that there is. Many clusters do not have the kind. */
export const ARGO_ROLLOUT = namespaced<ArgoRollout>('argoproj.io', 'v1alpha1', 'rollouts', 'Rollout');
