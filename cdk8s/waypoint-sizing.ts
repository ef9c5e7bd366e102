import { LABEL } from '../src/api/labels.js';
import type { Parameters } from './waypoint-parameters.js';

/** How large a waypoint is. */
export interface WaypointSizing {
  /** Replicas that there always are (2). */
  readonly min: number;
  /** Replicas up to which it grows with its load (5). */
  readonly max: number;
  /** Amounts by name of the resource, laid over the mesh's (`values.global.waypoint.resources`). */
  readonly requests?: Readonly<Record<string, string>>;
}

/** Of a waypoint for which nobody has said anything. */
export const DEFAULT_SIZING: WaypointSizing = { min: 2, max: 5 };

/** Share of the requested CPU, in percent, above which replicas are added. */
const CPU_TARGET = 80;

/**
 * Sizing as parameters, so that what people say of the class or of a Gateway comes after it: a HorizontalPodAutoscaler
 * between `min` and `max`, a PodDisruptionBudget that gives up one pod at a time, and pods spread over zones and nodes where
 * that is possible.
 *
 * @param gateway  name of the Gateway
 * @throws {RangeError} unless `min` and `max` are whole, and 1 <= min <= max
 */
export function sizingParameters(gateway: string, sizing: WaypointSizing = DEFAULT_SIZING): Parameters {
  const { min, max, requests } = sizing;
  if (!Number.isInteger(min) || !Number.isInteger(max) || min < 1 || max < min) {
    throw new RangeError(`replicas must be whole numbers with 1 <= min <= max: min is ${min}, max is ${max}`);
  }
  const spread = (topologyKey: string): object => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { [LABEL.gatewayName]: gateway } },
  });
  const pod = {
    topologySpreadConstraints: [spread('topology.kubernetes.io/zone'), spread('kubernetes.io/hostname')],
    ...(requests && { containers: [{ name: 'istio-proxy', resources: { requests } }] }),
  };
  const cpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_TARGET } };
  return {
    source: `the sizing of Gateway ${gateway}`,
    data: {
      deployment: { spec: { template: { spec: pod } } },
      horizontalPodAutoscaler: {
        spec: { minReplicas: min, maxReplicas: max, metrics: [{ type: 'Resource', resource: cpu }] },
      },
      // Not `minAvailable`: with a single replica it would hold every drain of its node for ever.
      podDisruptionBudget: { spec: { maxUnavailable: 1 } },
    },
  };
}
