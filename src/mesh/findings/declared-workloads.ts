import { type LabelSelector, matchesSelector } from '../ambient-index/label-selector.js';
import { LABEL } from '../../api/labels.js';
import { type MeshPod, counts, dataplaneModeOf, isGateway, isLive, podMode } from '../dataplane.js';
import type { Finding } from '../findings.js';
import { type Templated, asPod, isInjected, labelsIn, referencedTemplate } from '../pod-templates.js';
import { type Labels, type PolicyObject, asRecord, asRecords, objectName } from '../policy-object.js';
import {
  type Amount,
  type Rollout,
  type SetSpec,
  daemonSetRollout,
  deploymentRollout,
  resolveAmount,
  statefulSetRollout,
} from '../rollout.js';
import { isCapturedRouter } from '../waypoint-gateway.js';
import { autoscalerFindings } from './autoscaler.js';
import { type TemplateOfPods, isProxyless } from './pod-template.js';
import { type CoveringBudget, type RolledOut, rolloutFindings } from './rollout.js';

/**
 * What the restarts of a migration would meet in the workloads of a namespace, by what the objects declare. Pure.
 *
 * What only a running cluster knows is not in it: rollouts that are not finished, quotas, and what admission says to a pod.
 *
 * @param objects    of that namespace
 * @param templates  what makes its pods
 * @param losing     those whose pods get a sidecar
 * @param place      labels of the Namespace
 */
export function declaredWorkloadFindings(
  namespace: string,
  objects: readonly PolicyObject[],
  templates: readonly Templated[],
  losing: readonly Templated[],
  place: Labels,
): Finding[] {
  const of = (kind: string): PolicyObject[] => objects.filter((object) => object.kind === kind);
  const autoscalers = of('HorizontalPodAutoscaler');
  const rolloutOf = ({ object }: Templated): DeclaredRollout | undefined =>
    declaredRollout(object, autoscalers, objects);
  const pods = templates.map((one) => ({ labels: labelsIn(one.template), count: rolloutOf(one)?.replicas ?? 0 }));
  const budgets = of('PodDisruptionBudget').map((budget) => declaredBudget(budget, pods));
  return [
    ...losing.flatMap((one) => {
      const rollout = rolloutOf(one);
      if (!rollout) return [];
      const takesPods = rollout.maxUnavailable > 0 && rollout.replicas > 0;
      const covering = budgets.filter(({ selects }) => takesPods && selects(labelsIn(one.template)));
      const onDelete = rollout.isOnDelete ? { outdated: 0 } : undefined;
      return rolloutFindings({ ...rollout, name: objectName(one.object, namespace), onDelete }, covering);
    }),
    ...(place[LABEL.dataplaneMode] === 'ambient' ? [] : silentFindings(namespace, objects, templates, losing, place)),
    ...gatewayFindings(namespace, objects, templates),
    ...of('Pod').flatMap((pod) => strayFindings(pod)),
    ...autoscalerFindings(autoscalers, new Set(losing.map(({ object }) => objectName(object, namespace)))),
  ];
}

/** How a workload replaces its pods; undefined for a kind that does not, or of which that is not declared. */
function declaredRollout(
  object: PolicyObject,
  autoscalers: readonly PolicyObject[],
  objects: readonly PolicyObject[],
): DeclaredRollout | undefined {
  const spec = asRecord(object.spec);
  const replicas = numberIn(spec, 'replicas') ?? leastReplicas(object, autoscalers);
  const paused = spec['paused'] === true;
  const strategy = declaredStrategy(spec['strategy']);
  const updateStrategy = declaredStrategy(spec['updateStrategy']);
  switch (object.kind) {
    case 'Deployment':
      return deploymentRollout({ replicas, paused, strategy });
    case 'StatefulSet':
      return statefulSetRollout({ replicas, updateStrategy });
    case 'DaemonSet':
      // Before it is applied, nobody knows its nodes; there is one at least.
      return daemonSetRollout({ updateStrategy }, numberIn(statusOf(object), 'desiredNumberScheduled') ?? 1);
    case 'Rollout':
      return argoRollout(object, replicas ?? 1, objects);
    default:
      return undefined;
  }
}

type DeclaredRollout = Omit<Rollout, 'obstacle'> & Pick<RolledOut, 'obstacle'>;

/** A Rollout of Argo evicts one pod at a time, and more if its canary may be without more: as the operator sees it. */
function argoRollout(object: PolicyObject, replicas: number, objects: readonly PolicyObject[]): DeclaredRollout {
  const { template, paused, strategy } = asRecord(object.spec);
  const isMade = (template ?? referencedTemplate(object, objects)) !== undefined;
  const canary = asRecord(asRecord(strategy)['canary']);
  const atOnce = Math.max(1, resolveAmount(amountIn(canary, 'maxUnavailable') ?? 0, replicas, Math.floor));
  return {
    replicas,
    maxUnavailable: 1,
    obstacle: isMade ? (paused === true ? 'Paused' : undefined) : 'NoTemplate',
    isOnDelete: false,
    outage: atOnce >= replicas,
    recreates: false,
  };
}

/** What the API server would keep of a strategy. */
function declaredStrategy(strategy: unknown): NonNullable<SetSpec['updateStrategy']> {
  const { type, rollingUpdate } = asRecord(strategy);
  const rolling = asRecord(rollingUpdate);
  return {
    type: typeof type === 'string' ? type : undefined,
    rollingUpdate: {
      partition: numberIn(rolling, 'partition'),
      maxUnavailable: amountIn(rolling, 'maxUnavailable'),
      maxSurge: amountIn(rolling, 'maxSurge'),
    },
  };
}

/** What an autoscaler gives to a workload that leaves the number of its replicas to it. */
function leastReplicas({ kind, metadata }: PolicyObject, autoscalers: readonly PolicyObject[]): number | undefined {
  const own = autoscalers.find(({ spec }) => {
    const target = asRecord(asRecord(spec)['scaleTargetRef']);
    return target['kind'] === kind && target['name'] === metadata.name;
  });
  return own && numberIn(asRecord(own.spec), 'minReplicas');
}

/**
 * A budget as its controller would judge the declared pods; as it has judged them where it says so.
 *
 * @see kubernetes/kubernetes pkg/controller/disruption/disruption.go, getExpectedPodCount: both amounts are rounded up
 */
function declaredBudget(
  budget: PolicyObject,
  pods: readonly { readonly labels: Labels; readonly count: number }[],
): CoveringBudget & { readonly selects: (labels: Labels) => boolean } {
  const spec = asRecord(budget.spec);
  const selector = spec['selector'] as LabelSelector | null | undefined;
  const selects = (labels: Labels): boolean => matchesSelector(selector ?? undefined, labels);
  const expected = pods.filter(({ labels }) => selects(labels)).reduce((sum, { count }) => sum + count, 0);
  const amount = (field: string): number | undefined => {
    const value = amountIn(spec, field);
    return value === undefined ? undefined : resolveAmount(value, expected, Math.ceil);
  };
  const taken = amount('maxUnavailable');
  const declared = taken === undefined ? (amount('minAvailable') ?? 0) : expected - taken;
  const status = statusOf(budget);
  return {
    name: budget.metadata.name,
    selects,
    expectedPods: numberIn(status, 'expectedPods') ?? expected,
    desiredHealthy: numberIn(status, 'desiredHealthy') ?? Math.max(0, declared),
  };
}

/** Kinds whose pods are restarted with them, or end by themselves; static pods are their node's. */
const MAKERS: ReadonlySet<string> = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'Node']);

/** A pod that nobody makes anew whom a migration can restart. */
function strayFindings(pod: PolicyObject): Finding[] {
  const { name } = pod.metadata;
  const owners = asRecords(asRecord(pod.metadata)['ownerReferences']);
  const live = pod as unknown as MeshPod;
  if (owners.some(({ kind }) => MAKERS.has(String(kind))) || !isLive(live)) return [];
  if (isGateway(live) && dataplaneModeOf(live) !== 'none')
    return [{ code: 'SST4001', object: `Pod/${name}`, message: `pod ${name} is a gateway` }];
  if (isGateway(live) || !counts(live)) return [];
  const [owner] = owners;
  const whose = owner ? `owned by ${String(owner['kind'])}/${String(owner['name'])}` : 'without an owner';
  return [{ code: 'SST4003', object: `Pod/${name}`, message: `pod ${name} is ${whose}` }];
}

/** Gateways that the label of the namespace would capture: of templates, and those that istiod deploys for a Gateway. */
function gatewayFindings(
  namespace: string,
  objects: readonly PolicyObject[],
  templates: readonly Templated[],
): Finding[] {
  const proxies = templates.filter(
    ({ object, template }) =>
      isGateway(asPod(template)) &&
      !isProxyless(template as unknown as TemplateOfPods) &&
      !isMadeByOne(object, objects),
  );
  const deployed = new Set(proxies.map(({ template }) => labelsIn(template)[LABEL.gatewayName]));
  const captured = proxies.filter(
    ({ object, template }) => dataplaneModeOf(asPod(template)) !== 'none' && asRecord(object.spec)['replicas'] !== 0,
  );
  const asked = objects.filter(
    (object) => object.kind === 'Gateway' && !deployed.has(object.metadata.name) && isCapturedRouter(object),
  );
  return [
    ...captured.map(({ object }): Finding => {
      const name = objectName(object, namespace);
      return { code: 'SST4001', object: name, message: `${name} is a gateway`, path: 'spec.template' };
    }),
    ...asked.map((object): Finding => {
      const name = objectName(object, namespace);
      return { code: 'SST4001', object: name, message: `istiod deploys a gateway for ${name}`, path: 'spec' };
    }),
  ];
}

/** Pods without sidecar that the label of the namespace would enrol at once. Those of Jobs end by themselves. */
function silentFindings(
  namespace: string,
  objects: readonly PolicyObject[],
  templates: readonly Templated[],
  losing: readonly Templated[],
  place: Labels,
): Finding[] {
  const isSilent = (pod: MeshPod): boolean =>
    counts(pod) && !isGateway(pod) && podMode(pod) === 'none' && dataplaneModeOf(pod) === undefined;
  const made = templates.filter(
    (one) =>
      !losing.includes(one) &&
      !isMadeByOne(one.object, objects) &&
      !ENDING.has(one.object.kind) &&
      asRecord(one.object.spec)['replicas'] !== 0 &&
      isSilent(asPod(one.template)),
  );
  // What a cluster says of a pod is true; of one that is only declared the injector has not been asked.
  const pods = objects.filter((object) => {
    const isAsIs = Object.keys(statusOf(object)).length > 0;
    const isSidecar = !isAsIs && isInjected(object as unknown as Templated['template'], place);
    if (object.kind !== 'Pod' || isMadeByOne(object, objects)) return false;
    return !isSidecar && isSilent(object as unknown as MeshPod);
  });
  return [
    ...made.map(({ object }): Finding => {
      const name = objectName(object, namespace);
      const message = `${name} gets no sidecar, and its template says nothing of ${LABEL.dataplaneMode}`;
      return { code: 'SST4002', object: name, message, path: 'spec.template' };
    }),
    ...pods.map(({ metadata: { name } }): Finding => {
      const message = `pod ${name} has no sidecar and no word in its template`;
      return { code: 'SST4002', object: `Pod/${name}`, message };
    }),
  ];
}

/** Whether what makes an object is among the others: then that is told of. */
function isMadeByOne({ metadata }: PolicyObject, objects: readonly PolicyObject[]): boolean {
  return asRecords(asRecord(metadata)['ownerReferences']).some((owner) =>
    objects.some(({ kind, metadata: { name } }) => kind === owner['kind'] && name === owner['name']),
  );
}

/** Kinds whose pods end by themselves: the manifests do not tell whether there are any. */
const ENDING: ReadonlySet<string> = new Set(['Job', 'CronJob']);

const statusOf = (object: PolicyObject): Readonly<Record<string, unknown>> => asRecord(asRecord(object)['status']);

function amountIn(record: Readonly<Record<string, unknown>>, field: string): Amount | undefined {
  const value = record[field];
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

function numberIn(record: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = record[field];
  return typeof value === 'number' ? value : undefined;
}
