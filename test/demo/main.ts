import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AMBIENT_MIGRATION, type AmbientMigration } from '../../src/api/ambient-migration.js';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import type { JsonPatchOperation } from '../../src/kube/client.js';
import { type Condition, findCondition } from '../../src/kube/conditions.js';
import { DEPLOYMENT, NAMESPACE, type Pod, SERVICE } from '../../src/kube/types.js';
import { SERVING } from '../../src/api/serving.js';
import { GoMissingError } from '../controlplane/build.js';
import { repositoryRoot } from '../controlplane/paths.js';
import type { Cluster, ClusterKind } from '../support/cluster.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';
import { startCluster } from '../support/start-cluster.js';
import { ArticlePolicies } from './policies.js';
import { Screen } from './screen.js';

/*
 * The main job of the product, on the embedded cluster or on the real control plane: the article's two namespaces,
 * a waypoint in `ambient-apps`, `legacy-apps` to ambient mode and back. Each check looks at the cluster; the last line counts them.
 */

const LEGACY = 'legacy-apps';
const AMBIENT = 'ambient-apps';
const WAYPOINT = 'httpbin-ambient-waypoint';
const screen = new Screen();

async function main(kind: ClusterKind): Promise<number> {
  screen.title('A Kubernetes control plane with Istio (profile ambient), without containers');
  const cluster = await startCluster({ kind, realTime: true, log: (line) => screen.status(line) });
  const stop = endWith(cluster);
  try {
    await thereAndBack(cluster);
  } catch (error) {
    screen.check('the demo reached its end', false, error instanceof Error ? error.message : error);
  }
  screen.status('ending the control plane');
  if (screen.failed > 0) screen.line(`logs are kept in ${cluster.dir}`);
  await stop();
  return screen.summary();
}

async function thereAndBack(cluster: Cluster): Promise<void> {
  await deploy(cluster);
  const before = await namespaceState(cluster.client, LEGACY);
  await checkSidecars(cluster, 'before');
  await cluster.operator.start();
  await serveWaypoint(cluster);
  await migrate(cluster);
  await checkAmbient(cluster);
  await rollBack(cluster);
  await checkSidecars(cluster, 'after the rollback');
  const after = await namespaceState(cluster.client, LEGACY);
  screen.check('the namespace is equal to the state before', isDeepStrictEqual(after, before), { before, after });
  await migrateWithPolicies(cluster, before);
}

/** The article's steps 3 and 4, on a namespace that goes to ambient mode and back meanwhile. */
async function migrateWithPolicies(cluster: Cluster, before: unknown): Promise<void> {
  const policies = new ArticlePolicies(cluster, screen);
  await policies.requireTokens();
  screen.title('Migration with a waypoint that enforces them');
  await change(cluster, [
    { op: 'replace', path: '/spec/dataplaneMode', value: 'Ambient' },
    { op: 'add', path: '/spec/waypoint', value: { replicas: { min: 1, max: 1 } } },
  ]);
  await follow(
    cluster,
    (migration) => readyReason(migration) === 'Migrated',
    () => policies.watch(),
  );
  await policies.checkMoments('while it migrated');
  await policies.requireIdentityToo(() => follow(cluster, (migration) => readyReason(migration) === 'Migrated'));
  screen.title('Rollback, with the policies in place');
  await change(cluster, [{ op: 'replace', path: '/spec/dataplaneMode', value: 'Sidecar' }]);
  await follow(
    cluster,
    (migration) => readyReason(migration) === 'RolledBack',
    () => policies.watch(),
  );
  await policies.checkMoments('while it rolled back');
  await cluster.podsReady(LEGACY, 1);
  const after = await namespaceState(cluster.client, LEGACY);
  screen.check('the namespace is equal to the state before', isDeepStrictEqual(after, before), { before, after });
}

async function change(cluster: Cluster, operations: readonly JsonPatchOperation[]): Promise<void> {
  const ref = { namespace: LEGACY, name: LEGACY };
  await cluster.client.jsonPatch(AMBIENT_MIGRATION, ref, [...operations], { fieldManager: 'kubectl-patch' });
}

async function deploy(cluster: Cluster): Promise<void> {
  screen.title('The article: legacy-apps on sidecars, ambient-apps in ambient mode');
  for (const name of [LEGACY, AMBIENT]) {
    await cluster.apply(readFileSync(join(repositoryRoot, 'examples', 'article', `${name}.yaml`), 'utf8'));
    screen.line(`kubectl apply -f examples/article/${name}.yaml`);
  }
  await cluster.podsReady(LEGACY, 1);
  await cluster.podsReady(AMBIENT, 3);
}

/** The article's second step: a waypoint for one account, while its pods go on. */
async function serveWaypoint(cluster: Cluster): Promise<void> {
  screen.title('Waypoint: kubectl apply -f examples/article/waypoint.yaml');
  const podsOf = async (): Promise<string[]> => {
    const pods = await cluster.pods(AMBIENT);
    return pods.filter((pod) => !isWaypoint(pod)).map(({ metadata }) => metadata.uid ?? '');
  };
  const before = await podsOf();
  await cluster.apply(readFileSync(join(repositoryRoot, 'examples', 'article', 'waypoint.yaml'), 'utf8'));
  const [gateway, service] = await cluster.until(
    'the Services of httpbin-ambient are bound',
    async () => {
      const gateway = await cluster.client.get<Gateway>(GATEWAY, { namespace: AMBIENT, name: WAYPOINT });
      const service = await cluster.client.get(SERVICE, { namespace: AMBIENT, name: 'httpbin-ambient' });
      const serving = findCondition(gateway.status?.conditions, SERVING);
      screen.status(`${serving?.reason ?? 'Pending'}  ${serving?.message ?? ''}`);
      return isTrue(service.status?.conditions, 'istio.io/WaypointBound') ? ([gateway, service] as const) : undefined;
    },
    { timeoutMs: 60_000 },
  );
  const serving = findCondition(gateway.status?.conditions, SERVING);
  screen.line(`${SERVING}=${serving?.status} ${serving?.reason}: ${serving?.message}`);
  screen.check('the Gateway is programmed', isTrue(gateway.status?.conditions, 'Programmed'), gateway.status);
  const { status } = await cluster.client.get(DEPLOYMENT, { namespace: AMBIENT, name: WAYPOINT });
  screen.check(`Deployment ${WAYPOINT} has ready pods`, (status?.readyReplicas ?? 0) > 0, status);
  screen.check(
    `istiod has bound Service httpbin-ambient to it`,
    service.metadata.labels?.['istio.io/use-waypoint'] === WAYPOINT,
    service,
  );
  const { items } = await cluster.client.list(SERVICE, { namespace: AMBIENT });
  const bound = items.filter(({ metadata }) => metadata.labels?.['istio.io/use-waypoint'] !== undefined);
  screen.check('no other Service is bound', bound.length === 1, bound);
  const balancers = items.filter(({ spec }) => spec.type === 'LoadBalancer');
  screen.check('istiod has left no load balancer', balancers.length === 0, balancers);
  screen.check('no application pod was restarted', isDeepStrictEqual(await podsOf(), before), before);
}

const isWaypoint = ({ metadata }: Pod): boolean => metadata.name.startsWith(WAYPOINT);

const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean =>
  findCondition(conditions, type)?.status === 'True';

async function migrate(cluster: Cluster): Promise<void> {
  screen.title('Migration: kubectl apply -f examples/migrate-legacy-apps.yaml');
  await cluster.apply(readFileSync(join(repositoryRoot, 'examples', 'migrate-legacy-apps.yaml'), 'utf8'));
  await follow(cluster, (migration) => readyReason(migration) === 'Migrated');
}

async function rollBack(cluster: Cluster): Promise<void> {
  const patch = { spec: { dataplaneMode: 'Sidecar' } };
  screen.title(`Rollback: kubectl patch am ${LEGACY} -n ${LEGACY} --type merge -p '${JSON.stringify(patch)}'`);
  // What kubectl would send, for there need not be one.
  const { dataplaneMode: value } = patch.spec;
  await change(cluster, [{ op: 'add', path: '/spec/dataplaneMode', value }]);
  await follow(cluster, (migration) => readyReason(migration) === 'RolledBack');
}

/**
 * Prints each condition as it becomes true, until the migration is where it should be, and then those that are false now. What
 * is only on its way shows in the live line.
 */
async function follow(
  cluster: Cluster,
  isThere: (migration: AmbientMigration) => boolean,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const printed = new Map<string, string>();
  const print = ({ type, status, reason, message }: Condition): void => {
    const text = `${type}=${status} ${reason}${message ? `: ${message}` : ''}`;
    // Reconciling says the same as Ready, the other way round.
    if (type !== 'Reconciling' && printed.get(type) !== text) screen.line(text);
    printed.set(type, text);
  };
  for (const condition of (await cluster.migration(LEGACY)).status?.conditions ?? []) {
    const { type, status, reason, message } = condition;
    printed.set(type, `${type}=${status} ${reason}${message ? `: ${message}` : ''}`);
  }
  await cluster.until(
    'the migration is where it should be',
    async () => {
      await meanwhile();
      const migration = await cluster.migration(LEGACY);
      const { conditions = [], workloads, phase, nextAction } = migration.status ?? {};
      screen.status(`${phase ?? 'Pending'} ${workloads?.progress ?? ''}  ${nextAction ?? ''}`);
      const there = isThere(migration);
      for (const condition of conditions) if (there || condition.status === 'True') print(condition);
      return there ? true : undefined;
    },
    { timeoutMs: 120_000 },
  );
}

/** Ready for the spec of now, and why. */
function readyReason({ metadata, status }: AmbientMigration): string | undefined {
  const ready = findCondition(status?.conditions ?? [], 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation ? ready.reason : undefined;
}

async function checkSidecars(cluster: Cluster, when: string): Promise<void> {
  screen.title(`Checks ${when}`);
  const { metadata } = await cluster.client.get(NAMESPACE, { name: LEGACY });
  screen.check(
    'namespace label istio-injection=enabled',
    metadata.labels?.['istio-injection'] === 'enabled',
    metadata.labels,
  );
  screen.check(
    'no namespace label istio.io/dataplane-mode',
    metadata.labels?.['istio.io/dataplane-mode'] === undefined,
    metadata.labels,
  );
  for (const pod of await cluster.podsReady(LEGACY, 1)) {
    const containers = containersOf(pod);
    screen.check(
      `${pod.metadata.name}: two containers, one of them istio-proxy`,
      containers.length === 2 && containers.includes('istio-proxy'),
      containers,
    );
    screen.check(
      `${pod.metadata.name}: not redirected to ztunnel`,
      pod.metadata.annotations?.['ambient.istio.io/redirection'] === undefined,
      pod.metadata.annotations,
    );
  }
}

async function checkAmbient(cluster: Cluster): Promise<void> {
  screen.title('Checks after the migration');
  const { metadata } = await cluster.client.get(NAMESPACE, { name: LEGACY });
  screen.check(
    'namespace label istio.io/dataplane-mode=ambient',
    metadata.labels?.['istio.io/dataplane-mode'] === 'ambient',
    metadata.labels,
  );
  screen.check(
    'namespace label istio-injection=disabled',
    metadata.labels?.['istio-injection'] === 'disabled',
    metadata.labels,
  );
  const applications = (await cluster.podsReady(AMBIENT, 5)).filter((pod) => !isWaypoint(pod));
  for (const pod of [...(await cluster.podsReady(LEGACY, 1)), ...applications]) {
    const { name, namespace = '' } = pod.metadata;
    const containers = containersOf(pod);
    screen.check(
      `${namespace}/${name}: one container, no istio-proxy`,
      containers.length === 1 && !containers.includes('istio-proxy'),
      containers,
    );
    screen.check(
      `${namespace}/${name}: ambient.istio.io/redirection=enabled`,
      pod.metadata.annotations?.['ambient.istio.io/redirection'] === 'enabled',
      pod.metadata.annotations,
    );
    const seen = await cluster.ambientWorkload(namespace, name);
    screen.check(
      `${namespace}/${name}: istiod sends it to ztunnel as HBONE, without a sidecar`,
      seen?.tunnelProtocol === 'HBONE' && seen.nativeTunnel !== true,
      seen,
    );
  }
  const { status } = await cluster.migration(LEGACY);
  for (const type of [
    'PreflightPassed',
    'PlanReady',
    'Approved',
    'RollbackAvailable',
    'TunnelReady',
    'Enrolled',
    'WorkloadsMigrated',
    'Verified',
    'Ready',
  ]) {
    const condition = findCondition(status?.conditions ?? [], type);
    screen.check(`condition ${type}=True`, condition?.status === 'True', condition);
  }
  screen.check('progress 1/1', status?.workloads?.progress === '1/1', status?.workloads);
}

/** Ends the cluster once, also on Ctrl-C. */
function endWith(cluster: Cluster): () => Promise<void> {
  let ending: Promise<void> | undefined;
  const stop = (): Promise<void> => (ending ??= cluster.stop({ keepLogs: screen.failed > 0 }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(130)));
  }
  return stop;
}

/** @throws {Error} it is neither */
function clusterKind(name = 'sandbox'): ClusterKind {
  if (name !== 'sandbox' && name !== 'controlplane') throw new Error(`CLUSTER is sandbox or controlplane, not ${name}`);
  return name;
}

process.exitCode = await main(clusterKind(process.argv[2])).catch((error: unknown) => {
  console.error(error instanceof GoMissingError ? error.message : error);
  return 1;
});
