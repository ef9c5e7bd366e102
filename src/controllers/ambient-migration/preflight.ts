import { LABEL } from '../../api/labels.js';
import { matchesSelector } from '../../kube/selectors.js';
import { type Finding, type FindingCode, compareFindings } from '../../mesh/findings.js';
import { type PolicyScope, callerDemands, policyFindings } from '../../mesh/policies.js';
import { autoscalerFindings } from '../../mesh/findings/autoscaler.js';
import { gitOpsFindings, systemNamespaceFindings } from '../../mesh/findings/namespace.js';
import { isProxyless, podTemplateFindings, scrapeFindings } from '../../mesh/findings/pod-template.js';
import { rolloutFindings } from '../../mesh/findings/rollout.js';
import { spireFindings } from '../../mesh/findings/spire.js';
import { type Translating, besideForms } from '../../mesh/findings/translation.js';
import type { TemplateFinding } from '../../mesh/findings/template-finding.js';
import { enrolChanges, isEnrolledNamespace } from './enrolment.js';
import { injectorOf, wouldInject } from './injection.js';
import { formsOf, mayTranslate } from './forms.js';
import { isRoomMadeFirst } from './quota-room.js';
import { resourceFindings } from './resource-findings.js';
import { orderFindings } from './restart-order.js';
import { policyScope } from './scope.js';
import { callerFindings, translatingFindings, translationOf } from './translation.js';
import { waypointFindings } from './waypoint-state.js';
import type { Budget, CronJobView, Observed, PodDryRun } from './observed.js';
import { type RestartGoal, type Workload, templateLabels, workloadName } from './workloads.js';

/** Health of the mesh (findings 1xxx): before the snapshot they block, afterwards they hold forward steps. Pure. */
export function healthFindings(observed: Observed): Finding[] {
  const { mesh } = observed;
  const found: Finding[] = [];
  const add = (code: FindingCode, object: string, message: string): void => void found.push({ code, object, message });
  if (!mesh.ambientAccepted)
    add('SST1001', 'GatewayClass/istio-waypoint', 'the GatewayClass is not accepted by istiod');
  if (!mesh.injectsHbone)
    add('SST1002', mesh.settings.object, 'ISTIO_META_ENABLE_HBONE is not "true" in defaultConfig.proxyMetadata');
  for (const node of mesh.nodesWithoutZtunnel) add('SST1003', `Node/${node}`, `no ready ztunnel on node ${node}`);
  for (const node of mesh.nodesWithoutCni) add('SST1004', `Node/${node}`, `no ready istio-cni agent on node ${node}`);
  if (mesh.validatingRevisions.length === 0)
    add('SST1008', `Namespace/${mesh.istioNamespace}`, 'no ValidatingWebhookConfiguration of istiod');
  return [...found, ...enrolmentFindings(observed), ...istiodFindings(observed)].sort(compareFindings);
}

/** What the CNI agent would not enrol once the namespace is labelled. */
function enrolmentFindings(observed: Observed): Finding[] {
  const { enrolment } = observed.mesh;
  const { name, labels } = observed.namespace.metadata;
  if (!enrolment)
    return [
      {
        code: 'SST1010',
        object: `Namespace/${observed.mesh.istioNamespace}`,
        message: 'no ConfigMap istio-cni-config',
      },
    ];
  if (!enrolment.enabled)
    return [{ code: 'SST1009', object: `Namespace/${name}`, message: 'AMBIENT_ENABLED is not "true"' }];
  if (enrolment.excludedNamespaces.includes(name)) {
    return [{ code: 'SST1009', object: `Namespace/${name}`, message: `EXCLUDE_NAMESPACES names ${name}` }];
  }
  const ambient = { ...labels, [LABEL.dataplaneMode]: 'ambient' };
  return observed.workloads
    .filter((workload) => isInjected(observed, workload) && templateLabels(workload)[LABEL.dataplaneMode] !== 'none')
    .filter(
      (workload) =>
        !enrolment.selectors.some(
          ({ podSelector, namespaceSelector }) =>
            matchesSelector(podSelector ?? {}, templateLabels(workload)) &&
            matchesSelector(namespaceSelector ?? {}, ambient),
        ),
    )
    .map((workload) => ({
      code: 'SST1009',
      object: workloadName(workload),
      message: `AMBIENT_ENABLEMENT_SELECTOR does not match ${workloadName(workload)}`,
    }));
}

/** Findings about the namespace: its policies, its traffic, its workloads. Pure. */
export function namespaceFindings(observed: Observed): Finding[] {
  const { namespace, mesh, labelOwners } = observed;
  const changing = enrolChanges(observed).flatMap(({ path }) => path.at(-1) ?? []);
  return [
    ...liveFindings(observed),
    ...callerFindings(observed),
    ...orderFindings(observed),
    ...workloadFindings(observed),
    ...optedOutFindings(observed),
    ...observed.proven,
    ...systemNamespaceFindings(namespace, mesh.rootNamespace),
    ...gitOpsFindings(namespace, changing, labelOwners),
  ].sort(compareFindings);
}

/**
 * The findings that stay live after the snapshot: a policy that appears meanwhile must not pass unseen. What the proof says is not
 * among them: it is about all moments of a migration that has not begun, and once pods are restarted there are others.
 */
export function liveFindings(observed: Observed): Finding[] {
  const scope = policyScope(observed);
  return [
    ...besideForms(policyFindings(observed.policies, scope), explainedBy(observed)),
    ...translatingFindings(observed),
    ...oldSidecarFindings(observed, scope),
    ...waypointFindings(observed),
  ];
}

/** Without a waypoint nothing is written; why there is nothing to write that would have asked for one has to be told all the same. */
function explainedBy(observed: Observed): Pick<Translating, 'forms' | 'namespace'> {
  const untranslated = mayTranslate(observed) ? formsOf(observed).untranslated : [];
  const namespace = observed.namespace.metadata.name;
  return translationOf(observed) ?? { forms: { forms: [], untranslated }, namespace };
}

/** Whether the injector would give the workload's pods a sidecar, by the namespace's labels of now. */
export function isInjected(observed: Observed, workload: Workload): boolean {
  return (
    workload.template.spec?.hostNetwork !== true &&
    wouldInject(observed.mesh.injectors, observed.namespace.metadata.labels ?? {}, templateLabels(workload))
  );
}

/** The budgets that cover a workload whose rollout takes pods away. */
export function budgetsOf(observed: Observed, workload: Workload): Budget[] {
  if (workload.maxUnavailable === 0 || workload.replicas === 0) return [];
  return observed.budgets.filter((budget) => budget.selects(templateLabels(workload)));
}

function oldSidecarFindings(observed: Observed, scope: PolicyScope): Finding[] {
  const { oldSidecars } = observed.mesh;
  if (oldSidecars.length === 0) return [];
  const demands = callerDemands(observed.policies, scope);
  const code = demands.strict || demands.identityBased ? 'SST3002' : 'SST3001';
  const shown = oldSidecars.slice(0, 10).join(', ');
  const rest = oldSidecars.length > 10 ? ` and ${oldSidecars.length - 10} more` : '';
  return [{ code, object: `Namespace/${scope.namespace}`, message: `sidecars without HBONE: ${shown}${rest}` }];
}

function workloadFindings(observed: Observed): Finding[] {
  const losing = observed.workloads.filter((workload) => losesSidecar(observed, workload));
  // Of proxyless gRPC the pod template is found, not the pods.
  const looked = observed.workloads.filter((one) => !(losing.includes(one) && isProxyless(one.template)));
  const pods = [...looked.flatMap((workload) => workload.pods), ...observed.jobPods, ...observed.strayPods];
  const found: Finding[] = [];
  const add = (code: FindingCode, object: string, message: string): void => void found.push({ code, object, message });
  for (const pod of pods.filter((candidate) => candidate.gateway)) {
    if (pod.dataplaneMode !== 'none') add('SST4001', `Pod/${pod.name}`, `pod ${pod.name} is a gateway`);
  }
  for (const pod of pods) {
    const silent = pod.counts && !pod.gateway && pod.mode === 'none' && pod.dataplaneMode === undefined;
    if (silent && !isEnrolledNamespace(observed.namespace))
      add('SST4002', `Pod/${pod.name}`, `pod ${pod.name} has no sidecar and no word in its template`);
  }
  for (const pod of observed.strayPods.filter((candidate) => candidate.counts && !candidate.gateway)) {
    const owner = pod.owner ? `owned by ${pod.owner.kind}/${pod.owner.name}` : 'without an owner';
    add('SST4003', `Pod/${pod.name}`, `pod ${pod.name} is ${owner}`);
  }
  const { strict, identityBased } = callerDemands(observed.policies, policyScope(observed));
  const isPlaintextRefused = strict || identityBased;
  return [
    ...found,
    ...losing.flatMap((workload) => templateFindings(observed, workload, isPlaintextRefused)),
    ...observed.cronJobs.flatMap((cronJob) => cronJobFindings(observed, cronJob)),
    ...autoscalerFindings(observed.autoscalers, new Set(losing.map(workloadName))),
    ...resourceFindings(observed, losing),
  ];
}

/** The next pods of a CronJob start without a sidecar by themselves: what its template says is all that matters. */
function cronJobFindings(observed: Observed, { name, template }: CronJobView): Finding[] {
  const { mesh, namespace } = observed;
  const labels = template.metadata?.labels ?? {};
  const injects =
    template.spec.hostNetwork !== true && wouldInject(mesh.injectors, namespace.metadata.labels ?? {}, labels);
  if (!injects) return [];
  const object = `CronJob/${name}`;
  return inTemplate(observed, { template }).map(({ code, message }) => ({
    code,
    object,
    message: `${object} ${message}`,
  }));
}

function inTemplate({ mesh }: Observed, { template }: Pick<Workload, 'template'>): TemplateFinding[] {
  return [...podTemplateFindings(template), ...spireFindings(template, mesh.injectionTemplates)];
}

function losesSidecar(observed: Observed, workload: Workload): boolean {
  return isInjected(observed, workload) || workload.pods.some((pod) => pod.mode === 'sidecar');
}

function templateFindings(observed: Observed, workload: Workload, isPlaintextRefused: boolean): Finding[] {
  const object = workloadName(workload);
  const found = rolloutFindings({ ...workload, name: object }, budgetsOf(observed, workload));
  const add = (code: FindingCode, message: string): void =>
    void found.push({ code, object, message: `${object} ${message}` });
  const scraped = isPlaintextRefused ? scrapeFindings(workload.template) : [];
  for (const { code, message } of [...inTemplate(observed, workload), ...scraped]) add(code, message);
  if (!workload.finished)
    add('SST4013', `has a rollout that is not finished${workload.progress ? ` (${workload.progress})` : ''}`);
  return found;
}

/** Findings from the dry runs of Preflight: pods made from today's templates, in the namespace as it is. Pure. */
export function dryRunFindings(observed: Observed): Finding[] {
  const found = [...(observed.dryRuns?.pods ?? [])].flatMap(([object, answer]) =>
    isRoomMadeForIt(observed, object, 'tunnel', answer) ? [] : podFindings(observed, object, answer),
  );
  // One injector serves them all: its silence is one finding.
  const firstSilence = found.find((finding) => finding.code === 'SST1005');
  return found.filter((finding) => finding.code !== 'SST1005' || finding === firstSilence).sort(compareFindings);
}

/** From the dry runs of Preflight, too: pods without sidecar that are refused where those with one are not. */
function optedOutFindings(observed: Observed): Finding[] {
  return [...(observed.dryRuns?.withoutSidecar ?? [])].flatMap(([object, answer]) =>
    answer.kind === 'refused' && !isRoomMadeForIt(observed, object, 'ambient', answer)
      ? [{ code: 'SST4038', object, message: `a pod of ${object} without sidecar is refused: ${answer.message}` }]
      : [],
  );
}

function injectorAsked({ mesh, namespace, workloads }: Observed, object: string): string {
  const workload = workloads.find((one) => workloadName(one) === object);
  return injectorOf(mesh.injectors, namespace.metadata.labels ?? {}, workload ? templateLabels(workload) : {});
}

function isRoomMadeForIt(observed: Observed, object: string, goal: RestartGoal, answer: PodDryRun): boolean {
  const workload = observed.workloads.find((one) => workloadName(one) === object);
  return (
    answer.kind === 'refused' && workload !== undefined && isRoomMadeFirst(observed, workload, goal, answer.message)
  );
}

function istiodFindings(observed: Observed): Finding[] {
  if (observed.dryRuns?.istiod !== 'down') return [];
  const object = `Namespace/${observed.mesh.istioNamespace}`;
  return [{ code: 'SST1007', object, message: 'istiod does not answer its validation webhook' }];
}

function podFindings(observed: Observed, object: string, answer: PodDryRun): Finding[] {
  switch (answer.kind) {
    case 'injector-down': {
      const injector = injectorAsked(observed, object);
      return [{ code: 'SST1005', object: `MutatingWebhookConfiguration/${injector}`, message: answer.message }];
    }
    case 'refused':
      return [{ code: 'SST4012', object, message: `a new pod of ${object} is refused: ${answer.message}` }];
    case 'created':
      return answer.sidecar ? [] : [{ code: 'SST1006', object, message: `a new pod of ${object} gets no sidecar` }];
  }
}
