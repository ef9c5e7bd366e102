import { LABEL } from '../src/api/labels.js';
import { DEFAULT_SIZING, type WaypointSizing } from '../src/api/sizing.js';
import type { Parameters } from './waypoint-parameters.js';

/** Share of the requested CPU, in percent, above which replicas are added. */
const CPU_TARGET = 80;

/**
 * Sizing as parameters, so that what people say of the class or of a Gateway comes after it: a HorizontalPodAutoscaler
 * between `min` and `max`, a PodDisruptionBudget that gives up one pod at a time, and pods spread over zones and nodes where
 * that is possible.
 *
 * @param gateway  name of the Gateway
 */
export function sizingParameters(gateway: string, sizing: WaypointSizing = DEFAULT_SIZING): Parameters {
  const { min, max } = sizing.replicas;
  const spread = (topologyKey: string): object => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { [LABEL.gatewayName]: gateway } },
  });
  const hasResources = Object.keys(sizing.resources).length > 0;
  const pod = {
    topologySpreadConstraints: [spread('topology.kubernetes.io/zone'), spread('kubernetes.io/hostname')],
    ...(hasResources && { containers: [{ name: 'istio-proxy', resources: sizing.resources }] }),
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
