import { type Amounts, type Quantities, amountsOf, combined } from './quantity.js';

/** What containers, or a whole pod, ask for and may use. */
export interface Resources {
  readonly requests?: Quantities | undefined;
  readonly limits?: Quantities | undefined;
}

/** A pod, as far as it decides about its resources. A pod template of the API server fits. */
export interface PodOfContainers {
  readonly containers: readonly ContainerOfPod[];
  readonly initContainers?: readonly ContainerOfPod[] | undefined;
  /** Of the runtime, from its RuntimeClass. */
  readonly overhead?: Quantities | undefined;
  /** Of the pod as a whole; they win over those of its containers. */
  readonly resources?: Resources | undefined;
}

interface ContainerOfPod {
  readonly resources?: Resources | undefined;
  /** `Always` makes a sidecar of an init container. */
  readonly restartPolicy?: string | undefined;
}

/** What a pod asks for, and may use, by `cpu`, `memory` and so on; what nothing is said about is absent. */
export interface PodAmounts {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

const NO_DEFAULTS: Required<Resources> = { requests: {}, limits: {} };

/**
 * What a new pod asks for, once the API server has filled in what it leaves open: a limit is the request, too, and then a
 * LimitRange has defaults.
 *
 * @param defaults  of LimitRanges, for each container
 * @see kubernetes/component-helpers resource/helpers.go, PodRequests and PodLimits; kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_Pod
 */
export function podAmounts(pod: PodOfContainers, defaults: Required<Resources> = NO_DEFAULTS): PodAmounts {
  return { requests: totalOf(pod, 'requests', defaults), limits: totalOf(pod, 'limits', defaults) };
}

/** What one container asks for, once it is in a pod. */
export function containerAmounts(resources: Resources = {}, defaults: Required<Resources> = NO_DEFAULTS): PodAmounts {
  const { requests = {}, limits = {} } = resources;
  return {
    requests: amountsOf({ ...defaults.requests, ...limits, ...requests }),
    limits: amountsOf({ ...defaults.limits, ...limits }),
  };
}

function totalOf(pod: PodOfContainers, part: keyof Resources, defaults: Required<Resources>): Amounts {
  const { containers, initContainers = [], overhead = {}, resources } = pod;
  const amounts = (container: ContainerOfPod): Amounts => containerAmounts(container.resources, defaults)[part];
  let sidecars: Amounts = {};
  let start: Amounts = {};
  for (const container of initContainers) {
    if (container.restartPolicy === 'Always') sidecars = combined(sidecars, amounts(container), plus);
    // An init container runs beside the sidecars that have been started before it.
    else start = combined(start, combined(sidecars, amounts(container), plus), greater);
  }
  const running = containers.map(amounts).reduce((a, b) => combined(a, b, plus), sidecars);
  const ofPod = { ...combined(running, start, greater), ...amountsOf(resources?.[part]) };
  const added = Object.entries(amountsOf(overhead)).filter(([name]) => part === 'requests' || name in ofPod);
  return combined(ofPod, Object.fromEntries(added), plus);
}

const plus = (a: bigint, b: bigint): bigint => a + b;
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b);
