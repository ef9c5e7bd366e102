import { LABEL } from '../src/api/labels.js';
import { DEFAULT_REPLICAS, type WaypointSizing } from '../src/api/sizing.js';
import { asRecord, asRecords } from '../src/mesh/policy-object.js';
import type { WaypointInputs } from '../src/mesh/waypoint-inputs.js';
import { strategicMerge } from './strategic-merge.js';
import { type Parameters, requestedReplicas } from './waypoint-parameters.js';

/** Share of the requested CPU, in percent, above which replicas are added. */
const CPU_TARGET = 80;

/** Over what pods are spread. */
export const TOPOLOGY_KEYS = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'];

/** Who says how large a waypoint is. */
export interface SizingOptions {
  /** Name of the Gateway. */
  readonly gateway: string;
  /** What its annotation asks for. */
  readonly asked?: WaypointSizing | undefined;
  /** What the mesh gives to every waypoint. */
  readonly inputs?: Pick<WaypointInputs, 'topologySpreadConstraints'> | undefined;
  /** Of the class. */
  readonly defaults?: readonly Parameters[];
  /** What the Gateway's `parametersRef` names. */
  readonly own?: readonly Parameters[];
}

/** What a waypoint is sized by, in the order in which it is applied: our default, the class, the annotation, `parametersRef`. */
export function sizedParameters(options: SizingOptions): readonly Parameters[] {
  const { defaults = [], own = [] } = options;
  return [defaultSizing(options), ...defaults, askedSizing(options), ...own];
}

/** Patches by key, as a ConfigMap for `parametersRef` has them. */
export interface SizingPatches extends Readonly<Record<string, unknown>> {
  readonly horizontalPodAutoscaler?: { readonly spec: { readonly minReplicas?: number } };
}

/** What istiod is to apply after the defaults of the class, so that it comes to the same. */
export function sizingPatches(options: Omit<SizingOptions, 'own'>): SizingPatches {
  return strategicMerge({ ...defaultSizing(options).data }, { ...askedSizing(options).data });
}

/**
 * What nobody else says: a HorizontalPodAutoscaler, a PodDisruptionBudget that gives up one pod at a time, and pods spread over zones and
 * nodes where that is possible. It can be applied before the other parameters or, as istiod does with the class, after them.
 */
export function defaultSizing({ gateway, inputs, defaults = [], own = [] }: SizingOptions): Parameters {
  const others = [...defaults, ...own];
  const spread = (topologyKey: string): object => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { [LABEL.gatewayName]: gateway } },
  });
  // Laid over one of the mesh, ours would turn `DoNotSchedule` into `ScheduleAnyway`.
  const taken = [...asRecords(inputs?.topologySpreadConstraints), ...others.flatMap(constraintsOf)];
  const topologySpreadConstraints = TOPOLOGY_KEYS.filter(
    (key) => !taken.some(({ topologyKey }) => topologyKey === key),
  ).map(spread);
  const hasSpread = topologySpreadConstraints.length > 0;
  const cpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_TARGET } };
  const hasMetrics = specsOf(others, 'horizontalPodAutoscaler').some((spec) => 'metrics' in spec);
  // The API server refuses a budget with both.
  const hasBudget = specsOf(others, 'podDisruptionBudget').some(
    (spec) => 'minAvailable' in spec || 'maxUnavailable' in spec,
  );
  const autoscaler = {
    ...bounds(DEFAULT_REPLICAS, others),
    ...(!hasMetrics && { metrics: [{ type: 'Resource', resource: cpu }] }),
  };
  return {
    source: `the default sizing of Gateway ${gateway}`,
    data: {
      ...(hasSpread && { deployment: { spec: { template: { spec: { topologySpreadConstraints } } } } }),
      ...(Object.keys(autoscaler).length > 0 && { horizontalPodAutoscaler: { spec: autoscaler } }),
      // Not `minAvailable`: with a single replica it would hold every drain of its node for ever.
      ...(!hasBudget && { podDisruptionBudget: { spec: { maxUnavailable: 1 } } }),
    },
  };
}

/** Replicas that there always are of a waypoint for which nobody asks for more or fewer. */
export function leastReplicas(defaults: readonly Parameters[]): number {
  const said = specsOf([defaultSizing({ gateway: '', defaults }), ...defaults], 'horizontalPodAutoscaler');
  return said.map(({ minReplicas }) => minReplicas).findLast((min) => typeof min === 'number') ?? DEFAULT_REPLICAS.min;
}

/** What the annotation of the Gateway asks for. */
export function askedSizing({ gateway, asked, own = [] }: SizingOptions): Parameters {
  const { replicas, resources = {} } = asked ?? {};
  const hasResources = Object.keys(resources).length > 0;
  const pod = { containers: [{ name: 'istio-proxy', resources }] };
  return {
    source: `the sizing of Gateway ${gateway}`,
    data: {
      ...(hasResources && { deployment: { spec: { template: { spec: pod } } } }),
      ...(replicas && { horizontalPodAutoscaler: { spec: bounds(replicas, own) } }),
    },
  };
}

/**
 * The bounds of the autoscaler that others do not say, moved as far as those need that they do say: the API server refuses a least number
 * above the largest one.
 */
function bounds({ min, max }: { min: number; max: number }, others: readonly Parameters[]): object {
  const specs = specsOf(others, 'horizontalPodAutoscaler');
  const said = (field: string): number | undefined =>
    specs.map((spec) => spec[field]).findLast((value) => typeof value === 'number');
  const theirs = { min: said('minReplicas'), max: said('maxReplicas') };
  const least = requestedReplicas(others) ?? min;
  return {
    ...(theirs.min === undefined && { minReplicas: Math.min(least, theirs.max ?? least) }),
    ...(theirs.max === undefined && { maxReplicas: Math.max(max, theirs.min ?? least) }),
  };
}

function constraintsOf({ data: { deployment } }: Parameters): readonly Readonly<Record<string, unknown>>[] {
  const template = asRecord(asRecord(asRecord(deployment)['spec'])['template']);
  return asRecords(asRecord(template['spec'])['topologySpreadConstraints']);
}

function specsOf(parameters: readonly Parameters[], key: string): Readonly<Record<string, unknown>>[] {
  return parameters.map(({ data }) => asRecord(asRecord(data[key])['spec']));
}
