import { AUTHORIZATION_POLICY } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import type { Client } from '../../kube/client.js';
import { ApiError } from '../../kube/errors.js';
import { evict } from '../../kube/eviction.js';
import { type KubeObject } from '../../kube/resource.js';
import { POD, type Pod } from '../../kube/types.js';
import { hasSidecar } from '../../mesh/dataplane.js';
import { quotaRefusal } from '../../mesh/quota-refusal.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import type { DryRuns, EvictionDryRun, Observed, PodDryRun } from './observed.js';
import { UNANSWERED, isUnanswered } from './pod-refusal.js';
import type { PodView } from './pods.js';
import { undoneFields } from './tried-writes.js';
import { targetOf } from './undone-writes.js';
import type { DryRunRequest } from './verdict.js';
import { type Workload, workloadName } from './workloads.js';

const TIMEOUT_MS = 12_000;

/** How many pods are asked for at once: a namespace may have many workloads, each webhook takes its time, and a pass has its deadline. */
const AT_ONCE = 8;

/**
 * Makes the dry runs that a decision needs; the cluster is not changed. They show what labels cannot: what the injector
 * does now (the API server's view of namespace labels lags), a dead webhook, quota, Pod Security, other admission, and whether
 * admission leaves a write of ours as it is, and whether a budget lets a pod go.
 */
export async function dryRun(
  request: DryRunRequest,
  observed: Observed,
  client: Client,
  signal: AbortSignal,
): Promise<DryRuns> {
  const ask = (workload: Workload): Promise<PodDryRun> => dryRunPod(workload, observed, client, signal);
  const silent = request.istiod ? 'down' : 'not-asked';
  const pods = new Map<string, PodDryRun>();
  for (const [workload, answer] of await askAll(request.pods, ask)) pods.set(workloadName(workload), answer);
  if (isSilent(pods)) return { pods, istiod: silent };
  const admitted = (request.withoutSidecar ?? []).filter((workload) => {
    const before = pods.get(workloadName(workload));
    // Quotas speak last, and so about nothing that others may have against the pod.
    return before?.kind === 'created' || (before && quotaRefusal(before.message) !== undefined);
  });
  const withoutSidecar = new Map<string, PodDryRun>();
  for (const [workload, answer] of await askAll(admitted, (one) => ask(optedOut(one)))) {
    // Nobody has looked at the pod: that is over before long, and says nothing about pods without sidecar.
    (isUnanswered(answer) ? pods : withoutSidecar).set(workloadName(workload), answer);
  }
  if (isSilent(pods)) return { pods, istiod: silent };
  const undone = new Map<string, readonly string[]>();
  for (const write of request.writes ?? []) {
    undone.set(targetOf(write, observed), await undoneFields(write, observed, client, signal));
  }
  const evictions = new Map<string, EvictionDryRun>();
  for (const { eviction } of request.evictions ?? []) {
    evictions.set(eviction.pod.uid, await dryRunEviction(eviction.pod, observed, client, signal));
  }
  const istiod = request.istiod ? await askIstiod(observed, client, signal) : 'not-asked';
  return { pods, withoutSidecar, istiod, undone, evictions };
}

/**
 * Asks of pods of all the workloads, of several at once; of no more where the injector does not answer: one serves them all, and a silent
 * one takes ten seconds to say nothing.
 */
async function askAll(
  workloads: readonly Workload[],
  ask: (workload: Workload) => Promise<PodDryRun>,
): Promise<(readonly [Workload, PodDryRun])[]> {
  const answers: (readonly [Workload, PodDryRun])[] = [];
  for (let from = 0; from < workloads.length && !answers.some(([, { kind }]) => kind === SILENT); from += AT_ONCE) {
    const some = workloads.slice(from, from + AT_ONCE);
    answers.push(...(await Promise.all(some.map(async (workload) => [workload, await ask(workload)] as const))));
  }
  return answers;
}

const SILENT: PodDryRun['kind'] = 'injector-down';

const isSilent = (pods: ReadonlyMap<string, PodDryRun>): boolean =>
  [...pods.values()].some(({ kind }) => kind === SILENT);

/** The answers of two dry runs of one pass; what both asked has the later answer. */
export function plusDryRuns(before: DryRuns | undefined, now: DryRuns): DryRuns {
  if (!before) return now;
  const plus = <T>(a: ReadonlyMap<string, T> = new Map(), b: ReadonlyMap<string, T> = new Map()): Map<string, T> =>
    new Map([...a, ...b]);
  return {
    pods: plus(before.pods, now.pods),
    withoutSidecar: plus(before.withoutSidecar, now.withoutSidecar),
    istiod: now.istiod === 'not-asked' ? before.istiod : now.istiod,
    undone: plus(before.undone, now.undone),
    evictions: plus(before.evictions, now.evictions),
  };
}

async function dryRunEviction(
  { name, uid }: PodView,
  observed: Observed,
  client: Client,
  signal: AbortSignal,
): Promise<EvictionDryRun> {
  const namespace = observed.namespace.metadata.name;
  const options = { dryRun: true, fieldManager: FIELD_MANAGER, signal, timeoutMs: TIMEOUT_MS };
  try {
    return await evict(client, { namespace, name, uid }, options);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message } = error;
    // Two answers of code 500 that no later pass cures by itself.
    const isLasting = /failed calling webhook|more than one PodDisruptionBudget/.test(message);
    if (![400, 403, 422].includes(code) && !isLasting) throw error;
    return { kind: 'refused', message };
  }
}

async function dryRunPod(
  workload: Workload,
  observed: Observed,
  client: Client,
  signal: AbortSignal,
): Promise<PodDryRun> {
  const generateName = `${workload.name}-sidestep-dry-run-`;
  const pod: KubeObject & { spec: unknown } = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName,
      namespace: observed.namespace.metadata.name,
      labels: { ...workload.template.metadata?.labels },
      annotations: { ...workload.template.metadata?.annotations },
    },
    spec: podSpec(workload),
  };
  try {
    const created = await client.create<Pod>(POD, pod, {
      dryRun: true,
      fieldManager: FIELD_MANAGER,
      signal,
      timeoutMs: TIMEOUT_MS,
    });
    return { kind: 'created', sidecar: hasSidecar(created) };
  } catch (error) {
    return classifyPodError(error, generateName);
  }
}

/** The template's spec with the volumes that the StatefulSet controller adds for claims: mounts of them are refused without. */
function podSpec({ template, volumeClaims }: Workload): unknown {
  const claimed = volumeClaims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = (template.spec.volumes ?? []).filter(({ name }) => !volumeClaims.includes(name));
  return volumeClaims.length === 0 ? template.spec : { ...template.spec, volumes: [...others, ...claimed] };
}

/** The workload with pods that the injector leaves alone: the label keeps its webhook from being called at all. */
function optedOut(workload: Workload): Workload {
  const { template } = workload;
  const labels = { ...template.metadata?.labels, [LABEL.inject]: 'false' };
  return { ...workload, template: { ...template, metadata: { ...template.metadata, labels } } };
}

/** Most characters of a `generateName` that the API server takes (apiserver, pkg/storage/names/generate.go). */
const MAX_BASE = 58;

/** The pod has another name each time: with it the same refusal would be told as a new one after every recheck. */
function withoutSuffix(message: string, generateName: string): string {
  const base = generateName.slice(0, MAX_BASE);
  return message.replaceAll(new RegExp(`${base.replaceAll('.', '\\.')}[a-z0-9]{5}`, 'g'), base.replace(/-$/, ''));
}

function classifyPodError(error: unknown, generateName: string): PodDryRun {
  if (!(error instanceof ApiError)) throw error;
  const message = withoutSuffix(error.message, generateName);
  if (UNANSWERED.test(message)) {
    return { kind: message.includes('sidecar-injector.istio.io') ? 'injector-down' : 'refused', message };
  }
  if ([400, 403, 422].includes(error.code)) return { kind: 'refused', message };
  throw error;
}

/**
 * Whether istiod is alive: it must reject an object that only its validation knows to be invalid. istiod asks itself the
 * same before it lets its webhook fail closed; the answer is right for either failure policy.
 *
 * @see istio/istio pkg/webhooks/validation/controller/controller.go (isDryRunOfInvalidConfigRejected)
 */
async function askIstiod(observed: Observed, client: Client, signal: AbortSignal): Promise<DryRuns['istiod']> {
  const revision = validatingRevision(observed);
  if (revision === undefined) return 'unknown';
  const invalid: KubeObject & { spec: unknown } = {
    apiVersion: `${AUTHORIZATION_POLICY.group}/${AUTHORIZATION_POLICY.version}`,
    kind: AUTHORIZATION_POLICY.kind,
    metadata: {
      name: 'sidestep-dry-run-invalid',
      namespace: observed.namespace.metadata.name,
      labels: { [LABEL.revision]: revision },
    },
    spec: { rules: [{ when: [{ key: 'sidestep.dev/not-an-attribute', values: ['x'] }] }] },
  };
  try {
    await client.create(AUTHORIZATION_POLICY, invalid, {
      dryRun: true,
      fieldManager: FIELD_MANAGER,
      signal,
      timeoutMs: TIMEOUT_MS,
    });
    return 'down';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (/denied the request/.test(error.message)) return 'alive';
    if (/failed calling webhook/.test(error.message)) return 'down';
    throw error;
  }
}

/** The namespace's own revision where it validates; a tag, or a revision without validation, is stood in for by another. */
function validatingRevision(observed: Observed): string | undefined {
  const { validatingRevisions } = observed.mesh;
  const own = observed.namespace.metadata.labels?.[LABEL.revision] ?? 'default';
  return [own, 'default'].find((revision) => validatingRevisions.includes(revision)) ?? validatingRevisions[0];
}
