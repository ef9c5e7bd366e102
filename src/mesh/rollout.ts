/** How a workload replaces its pods once its template has changed. */
export interface Rollout {
  /** Pods that there are to be; of a DaemonSet, its nodes. */
  readonly replicas: number;
  /** How many pods it may take away before their replacements are ready; 0 for a surge rollout. */
  readonly maxUnavailable: number;
  /** Why a changed template would not replace every pod. */
  readonly obstacle: 'Paused' | 'Partition' | undefined;
  /** A changed template replaces no pod: somebody has to take the old ones away. */
  readonly isOnDelete: boolean;
  /** It may leave no pod that serves; of a DaemonSet, none on a node. */
  readonly outage: boolean;
  /** It ends every pod before it starts the first new one. */
  readonly recreates: boolean;
}

/** A number of pods, or a share of them such as `25%`. */
export type Amount = number | string;

/** What of a Deployment's `spec` decides; as in the API, everything may be missing. */
export interface DeploymentSpec {
  readonly replicas?: number | undefined;
  readonly paused?: boolean | undefined;
  readonly strategy?:
    | {
        readonly type?: string | undefined;
        readonly rollingUpdate?:
          { readonly maxUnavailable?: Amount | undefined; readonly maxSurge?: Amount | undefined } | undefined;
      }
    | undefined;
}

/** What of a StatefulSet's or DaemonSet's `spec` decides. */
export interface SetSpec {
  readonly replicas?: number | undefined;
  readonly updateStrategy?:
    | {
        readonly type?: string | undefined;
        readonly rollingUpdate?:
          | {
              readonly partition?: number | undefined;
              readonly maxUnavailable?: Amount | undefined;
              readonly maxSurge?: Amount | undefined;
            }
          | undefined;
      }
    | undefined;
}

/**
 * The rollout of a Deployment. It rounds `maxUnavailable` down, and allows 1 if both bounds come out as 0.
 *
 * @see kubernetes/kubernetes pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts
 */
export function deploymentRollout({ replicas = 1, paused, strategy }: DeploymentSpec): Rollout {
  const recreates = strategy?.type === 'Recreate';
  const surge = resolveAmount(strategy?.rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil);
  const unavailable = resolveAmount(strategy?.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor);
  const rolling = surge === 0 && unavailable === 0 ? 1 : unavailable;
  const maxUnavailable = recreates ? replicas : rolling;
  return {
    replicas,
    maxUnavailable,
    obstacle: paused === true ? 'Paused' : undefined,
    isOnDelete: false,
    outage: maxUnavailable >= replicas,
    recreates,
  };
}

/** The rollout of a StatefulSet. */
export function statefulSetRollout({ replicas = 1, updateStrategy }: SetSpec): Rollout {
  const isOnDelete = updateStrategy?.type === 'OnDelete';
  const rolling = isOnDelete ? undefined : updateStrategy?.rollingUpdate;
  const maxUnavailable = Math.max(1, resolveAmount(rolling?.maxUnavailable ?? 1, replicas, Math.floor));
  return {
    replicas,
    maxUnavailable,
    obstacle: (rolling?.partition ?? 0) > 0 ? 'Partition' : undefined,
    isOnDelete,
    outage: maxUnavailable >= replicas,
    recreates: false,
  };
}

/**
 * The rollout of a DaemonSet.
 *
 * @param nodes  on which it runs
 */
export function daemonSetRollout({ updateStrategy }: SetSpec, nodes: number): Rollout {
  const isOnDelete = updateStrategy?.type === 'OnDelete';
  // The API server keeps what is left of the other strategy.
  const rolling = isOnDelete ? undefined : updateStrategy?.rollingUpdate;
  const surge = resolveAmount(rolling?.maxSurge ?? 0, nodes, Math.ceil);
  return {
    replicas: nodes,
    maxUnavailable: surge > 0 ? 0 : Math.max(1, resolveAmount(rolling?.maxUnavailable ?? 1, nodes, Math.ceil)),
    obstacle: undefined,
    isOnDelete,
    outage: surge === 0,
    recreates: false,
  };
}

/** An int-or-percent amount of `total`, rounded as the controller of the kind does. */
export function resolveAmount(amount: Amount, total: number, round: (value: number) => number): number {
  if (typeof amount === 'number') return amount;
  return amount.endsWith('%') ? round((Number.parseInt(amount, 10) * total) / 100) : Number.parseInt(amount, 10);
}
