import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import equal from 'fast-deep-equal';
import { expect, it } from 'vitest';
import { applyYaml } from '../../scripts/apply-yaml.js';
import type { AmbientMigration } from '../../src/api/ambient-migration.js';
import { findCondition } from '../../src/kube/conditions.js';
import { CONFIG_MAP, DAEMON_SET, POD, RESOURCE_QUOTA } from '../../src/kube/types.js';
import { type AssessOptions, assessment } from '../../src/cli/assess.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { budget, daemonSet, deployment, job, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { FINDING_LIST, type ListedFinding, listedFindings } from '../support/listed-findings.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';

/** Findings but the information about what is freed, which every namespace has, and about requests of whoever else is in the mesh. */
export const matters = ({ status }: AmbientMigration): readonly object[] =>
  (status?.plan?.findings ?? []).filter(({ code }) => code !== 'SST4027' && code !== 'SST2043');

/** What stops a migration before its first change, what holds it, and the way back from a pod that does not start. */
export function obstacles(cluster: () => Cluster): void {
  it('stalls on a pod that never becomes ready without its sidecar, says which and why, and rolls back from there', async () => {
    const name = 'stuck';
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'a'),
        deployment(name, 'b', { replicas: 2, annotations: { 'sidestep.dev/test': 'crash-without-sidecar' } }),
      ),
    );
    await cluster().podsReady(name, 3);
    const before = await namespaceState(cluster().client, name);
    // A busy machine needs longer for the workload that is well.
    const progressDeadline = cluster().kind === 'sandbox' ? '5s' : '30s';
    await cluster().migrate(name, { rollout: { progressDeadline } });
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'ProgressDeadlineExceeded' });
    const bad = (await cluster().pods(name)).find((pod) =>
      pod.status?.containerStatuses?.some(({ state }) => state?.waiting),
    );
    expect(stalled.status?.nextAction).toContain(
      `Deployment/b: pod ${bad?.metadata.name ?? ''} is not ready (CrashLoopBackOff`,
    );
    expect(stalled.status?.nextAction).toMatch(/dataplaneMode: Sidecar to roll back/);
    expect(stalled.status?.workloads).toMatchObject({
      total: 2,
      failed: 1,
      progress: '1/2',
      notDone: [{ kind: 'Deployment', name: 'b', state: 'Failed' }],
    });

    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 3);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  });

  it('stops before the first change on what ztunnel would not enforce, and goes on once that is acknowledged', async () => {
    const name = 'blocked';
    await cluster().apply(
      yaml(namespace(name), deployment(name, 'web'), {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'only-get', namespace: name },
        spec: { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
      }),
    );
    await cluster().podsReady(name, 1);
    const policies = { translation: 'Manual' };
    await cluster().migrate(name, { policies });
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled)).toMatchObject([
      { code: 'SST2007', verdict: 'BLOCK', object: 'AuthorizationPolicy/only-get', acknowledged: false },
    ]);
    expect(stalled.status?.nextAction).toMatch(
      /AuthorizationPolicy only-get, field spec\.rules\[0\]\.to\[0\]\.operation\.methods/,
    );
    expect(changesIn(cluster(), name)).toEqual([]);

    await cluster().migrate(name, {
      policies,
      acknowledge: [{ code: 'SST2007', object: 'AuthorizationPolicy/only-get', reason: 'checked' }],
    });
    await cluster().ready(name, 'Migrated');
  });

  it('keeps an L4 policy and STRICT mTLS without a word', async () => {
    const name = 'understood';
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'web'),
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: { name: 'strict', namespace: name },
          spec: { mtls: { mode: 'STRICT' } },
        },
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: 'l4', namespace: name },
          spec: {
            selector: { matchLabels: { app: 'web' } },
            rules: [
              {
                from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }],
                to: [{ operation: { ports: ['80'] } }],
              },
            ],
          },
        },
      ),
    );
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(matters(migrated)).toEqual([]);
    expect(migrated.status?.plan?.findings.find(({ code }) => code === 'SST4027')?.message).toBe(
      '1 sidecar requests 100m of CPU and 128Mi of memory, which becomes free',
    );
  });

  it('names each workload that it cannot roll out, before the first change', async () => {
    const name = 'unservable';
    const declared = yaml(
      namespace(name),
      deployment(name, 'paused'),
      deployment(name, 'all-at-once', { replicas: 2, strategy: { type: 'Recreate' } }),
      daemonSet(name, 'agent', { updateStrategy: { type: 'OnDelete' } }),
      statefulSet(name, 'by-hand', { updateStrategy: { type: 'OnDelete' } }),
      budget(name, 'by-hand', 0),
      { ...budget(name, 'by-hand', 0), metadata: { name: 'another', namespace: name } },
      statefulSet(name, 'parted', {
        replicas: 2,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
      }),
      statefulSet(name, 'guarded', { replicas: 2 }),
      budget(name, 'guarded', 2),
      deployment(name, 'excluded', { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' } }),
      deployment(name, 'out', { labels: { 'istio.io/dataplane-mode': 'none' } }),
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'by-sidecar', namespace: name },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'out' },
          maxReplicas: 2,
          metrics: [
            {
              type: 'ContainerResource',
              containerResource: {
                name: 'cpu',
                container: 'istio-proxy',
                target: { type: 'Utilization', averageUtilization: 80 },
              },
            },
          ],
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'bare', namespace: name },
        spec: { containers: [{ name: 'app', image: 'x' }] },
      },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'somebody', namespace: name } },
    );
    await cluster().apply(declared);
    const { metadata } = await cluster().client.get(CONFIG_MAP, { namespace: name, name: 'somebody' });
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'somebody', uid: metadata.uid, controller: true };
    await cluster().apply(
      yaml({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'foreign', namespace: name, ownerReferences: [owner] },
        spec: { containers: [{ name: 'app', image: 'x' }] },
      }),
    );
    await cluster().podsReady(name, 14);
    await cluster().kubectl('rollout', 'pause', 'deployment/paused', '-n', name);
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const listed = await cluster().until('the list of findings', () => listedFindings(cluster(), name));
    const blocks = blocksOf(listed);
    expect(blocks).toEqual(listed.slice(0, blocks.length));
    expect(blocks.map(({ code, object }) => `${code} ${object}`)).toEqual([
      'SST4003 Pod/bare',
      'SST4003 Pod/foreign',
      'SST4005 StatefulSet/parted',
      'SST4006 Deployment/paused',
      'SST4007 StatefulSet/by-hand',
      'SST4007 StatefulSet/guarded',
      'SST4008 Deployment/out',
      'SST4009 Deployment/excluded',
      'SST4022 HorizontalPodAutoscaler/by-sidecar',
    ]);
    expect(stalled.status?.plan?.findings.map(({ code, count }) => `${code} ${count}`).slice(0, 2)).toEqual([
      'SST4003 2',
      'SST4005 1',
    ]);
    expect(stalled.status?.plan?.findings).toContainEqual(
      expect.objectContaining({ code: 'SST4030', object: 'Deployment/all-at-once', verdict: 'WARN' }),
    );
    expect(listed).toContainEqual(
      expect.objectContaining({ object: 'Pod/foreign', message: 'pod foreign is owned by ConfigMap/somebody' }),
    );
    expect(changesIn(cluster(), name)).toEqual([]);

    // Whoever asks before hears the same; of manifests, what they hold.
    const told = blocks.map(({ code, object }) => `${code} ${object}`);
    const live = { kubeconfig: join(cluster().dir, 'kubeconfig'), namespace: name };
    expect(await assessedBlocks(cluster(), live)).toEqual(told);
    const file = join(cluster().dir, `${name}.yaml`);
    writeFileSync(file, declared);
    const later = /(paused|foreign)$/;
    expect(await assessedBlocks(cluster(), { filename: [file] })).toEqual(told.filter((each) => !later.test(each)));

    // What hands do to the list is put right, and it goes with its migration. Other findings come and go with the health of the mesh.
    const asBefore = async (): Promise<true | undefined> =>
      equal(blocksOf((await listedFindings(cluster(), name)) ?? []), blocks) || undefined;
    await cluster().kubectl('patch', 'configmap', FINDING_LIST, '-n', name, '-p', '{"data":{"findings.yaml":""}}');
    await cluster().until('an edited list is as before', asBefore);
    await cluster().kubectl('delete', 'configmap', FINDING_LIST, '-n', name);
    await cluster().until('a deleted list is there again', asBefore);
    await cluster().kubectl('delete', 'ambientmigrations', '--all', '-n', name);
    const isGone = async (): Promise<true | undefined> =>
      (await listedFindings(cluster(), name)) === undefined || undefined;
    await cluster().until('the list goes with its migration', isGone);
  });

  it('tells what quotas and limits would refuse without sidecars, as the API server does', async () => {
    const name = 'limited';
    const limitRange = (...limits: object[]): object => {
      return { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'bounds', namespace: name }, spec: { limits } };
    };
    const defaults = { type: 'Container', defaultRequest: { cpu: '20m' } };
    await cluster().apply(
      yaml(namespace(name), limitRange({ type: 'Pod', min: { cpu: '50m' } }, defaults), {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'team', namespace: name },
        spec: { hard: { 'requests.cpu': '350m', 'count/configmaps': '10' } },
      }),
    );
    // Pods that come with their quota may not be counted for minutes.
    await quotaSays(cluster(), name, { 'requests.cpu': '0' });
    await cluster().apply(yaml(deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await quotaSays(cluster(), name, { 'requests.cpu': '120m' });
    const waypoint = { provision: 'Always' } as const;
    await cluster().migrate(name, { waypoint });
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled).map((one) => (one as { message: string }).message)).toEqual([
      'LimitRange/bounds would refuse pods without sidecar: Deployment/web, field spec.limits[0].min.cpu: 50m, but they request 20m',
      'ResourceQuota/team has no room for waypoint waypoint: field spec.hard[requests.cpu], 300m of the 230m that are left',
      'ResourceQuota/team counts sidecars: field spec.hard[requests.cpu], 100m of 350m',
    ]);
    const bare = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bare', namespace: name, labels: { 'sidecar.istio.io/inject': 'false' } },
      spec: { containers: [{ name: 'app', image: 'x' }] },
    };
    await expect(cluster().client.create(POD, bare, { dryRun: true, fieldManager: 'test' })).rejects.toThrow(
      /minimum cpu usage per Pod is 50m, but request is 20m/,
    );

    await cluster().apply(yaml(limitRange(defaults)));
    await cluster().migrate(name, { waypoint: { ...waypoint, replicas: { min: 1, max: 1 } } });
    await cluster().ready(name, 'Migrated');
  });

  it('finds admission that asks for a sidecar before the first change, and goes on once that lets ambient namespaces be', async () => {
    const name = 'demanding';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web'), deployment(name, 'free')));
    await cluster().podsReady(name, 2);
    const isProxied =
      "object.spec.containers.exists(c, c.name == 'istio-proxy') || (has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == 'istio-proxy'))";
    const demand = async (expression: string, message: string): Promise<void> => {
      await cluster().apply(yaml(...sidecarPolicy(name, expression, message)));
      // The real API server takes a second until a policy is in force.
      await cluster().until(`pods are asked: ${message}`, async () =>
        (await refusalOfPod(cluster(), name))?.includes(message),
      );
    };
    await demand(isProxied, 'every pod has a sidecar');
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const object = 'Deployment/web';
    expect(matters(stalled)).toMatchObject([{ code: 'SST4038', verdict: 'BLOCK', object, acknowledged: false }]);
    expect(stalled.status?.nextAction).toMatch(
      /SST4038 a pod of Deployment\/web without sidecar is refused: .*pods "web-sidestep-dry-run" is forbidden: ValidatingAdmissionPolicy.* every pod has a sidecar/,
    );
    expect(changesIn(cluster(), name)).toEqual([]);

    const isAmbient = "('istio.io/dataplane-mode' in namespaceObject.metadata.labels)";
    await demand(`${isAmbient} || ${isProxied}`, 'every pod outside ambient mode has a sidecar');
    await cluster().migrate(name, {
      acknowledge: [{ code: 'SST4038', object, reason: 'it minds ambient namespaces' }],
    });
    const migrated = await cluster().ready(name, 'Migrated');
    expect(matters(migrated)).toMatchObject([{ code: 'SST4038', object, acknowledged: true }]);
  });

  it('takes a full quota for no obstacle where the rollout makes room first, there and back', async () => {
    const name = 'crammed';
    await cluster().apply(
      yaml(
        namespace(name),
        statefulSet(name, 'db', { replicas: 2 }),
        daemonSet(name, 'agent'),
        deployment(name, 'all-at-once', { replicas: 2, strategy: { type: 'Recreate' } }),
      ),
    );
    const agents = await cluster().until('an agent on each node', async () => {
      const { status } = await cluster().client.get(DAEMON_SET, { namespace: name, name: 'agent' });
      const { desiredNumberScheduled = 0, numberReady } = status ?? {};
      return desiredNumberScheduled > 0 && numberReady === desiredNumberScheduled ? numberReady : undefined;
    });
    const pods = 4 + agents;
    await cluster().podsReady(name, pods);
    const quota = (hard: object): string =>
      yaml({
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'team', namespace: name },
        spec: { hard },
      });
    await cluster().apply(quota({ pods: `${pods}` }));
    await cluster().until('the quota is in force', async () =>
      (await refusalOfPod(cluster(), name))?.includes('exceeded quota'),
    );
    await cluster().migrate(name);
    await cluster().ready(name, 'Migrated');
    await cluster().podsReady(name, pods);
    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    for (const pod of await cluster().podsReady(name, pods)) expect(containersOf(pod)).toContain('istio-proxy');
  });

  it('finds a quota for pods that request nothing, which they do without their sidecar', async () => {
    const name = 'best-effort';
    const quota = (hard: object): string =>
      yaml({
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'team', namespace: name },
        spec: { hard, scopes: ['BestEffort'] },
      });
    await cluster().apply(yaml(namespace(name), deployment(name, 'web', { replicas: 2 })));
    await cluster().apply(quota({ pods: '1' }));
    await cluster().podsReady(name, 2);
    await quotaSays(cluster(), name, { pods: '0' });
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled)).toMatchObject([
      {
        code: 'SST4039',
        object: 'ResourceQuota/team',
        message:
          'ResourceQuota/team has no room for pods of Deployment/web, which request nothing without sidecar: field spec.hard[pods], 2 of the 1 that are left',
      },
    ]);
    expect(changesIn(cluster(), name)).toEqual([]);
    await cluster().apply(quota({ pods: '2' }));
    await cluster().ready(name, 'Migrated');
  });

  it('stops where a GitOps tool owns the very label that it must change', async () => {
    const name = 'from-git';
    const annotations = { 'argocd.argoproj.io/tracking-id': `apps:/Namespace:${name}/${name}` };
    const options = { client: cluster().client, fieldManager: 'argocd-controller', clock: cluster().time };
    const labels = { 'istio-injection': 'enabled' };
    const fromGit = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } };
    await applyYaml(yaml(fromGit), options);
    await cluster().apply(yaml(deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled)).toMatchObject([
      {
        code: 'SST4026',
        object: `Namespace/${name}`,
        message: `Argo CD owns metadata.labels[istio-injection] of namespace ${name}`,
      },
    ]);
    expect(changesIn(cluster(), name)).toEqual([]);

    await cluster().migrate(name, { acknowledge: [{ code: 'SST4026', reason: 'the tool ignores the label' }] });
    await cluster().ready(name, 'Migrated');
  });

  it('does not wait for Job pods, and says that they keep their sidecar', async () => {
    const name = 'jobs';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web'), job(name, 'batch')));
    await cluster().podsReady(name, 2);
    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(findCondition(migrated.status?.conditions ?? [], 'WorkloadsMigrated')?.message).toMatch(
      /1 Job pods keep their sidecar/,
    );
  });

  it('waits for approval of the plan, and keeps to it', async () => {
    const name = 'approval';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name, { approval: 'Manual' });
    const waiting = await cluster().condition(name, 'Approved', { status: 'False', reason: 'AwaitingApproval' });
    const hash = waiting.status?.plan?.hash ?? '';
    expect(waiting.status?.nextAction).toBe(`You: set spec.approvedPlan to ${hash}.`);
    await cluster().time.sleep(1_000);
    expect(changesIn(cluster(), name)).toEqual([]);
    await cluster().migrate(name, { approval: 'Manual', approvedPlan: hash });
    await cluster().ready(name, 'Migrated');
  });
}

/** Admission that asks something of every pod `app: web` of a namespace. */
function sidecarPolicy(inNamespace: string, expression: string, message: string): object[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const metadata = { name: `sidecars-${inNamespace}` };
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': inNamespace } },
          objectSelector: { matchLabels: { app: 'web' } },
        },
        validations: [{ expression, message }],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: metadata.name, validationActions: ['Deny'] },
    },
  ];
}

/** Blockers that `sidestep assess` finds, `CODE Kind/name`. */
async function assessedBlocks(cluster: Cluster, of: Omit<AssessOptions, 'output'>): Promise<string[]> {
  const { findings } = await cluster.time.during('assess', assessment({ ...of, output: 'json' }));
  return findings
    .filter(({ severity }) => severity === 'error')
    .map(({ code, object: { kind, name } }) => `${code} ${kind}/${name}`);
}

const blocksOf = (listed: readonly ListedFinding[]): ListedFinding[] =>
  listed.filter(({ verdict }) => verdict === 'BLOCK');

/** Why a pod `app: web` without sidecar would be refused; undefined if it would not. */
async function refusalOfPod({ client }: Cluster, inNamespace: string): Promise<string | undefined> {
  const labels = { app: 'web', 'sidecar.istio.io/inject': 'false' };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'asked', namespace: inNamespace, labels },
    spec: { containers: [{ name: 'app', image: 'x' }] },
  };
  try {
    await client.create(POD, pod, { dryRun: true, fieldManager: 'test' });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Waits until the quota `team` has counted what there is: on a busy machine its controller is late. */
async function quotaSays(cluster: Cluster, inNamespace: string, used: Readonly<Record<string, string>>): Promise<void> {
  await cluster.until(`ResourceQuota team of ${inNamespace} says ${JSON.stringify(used)}`, async () => {
    const { status } = await cluster.client.get(RESOURCE_QUOTA, { namespace: inNamespace, name: 'team' });
    return Object.entries(used).every(([resource, amount]) => status?.used?.[resource] === amount) || undefined;
  });
}
