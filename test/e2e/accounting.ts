import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  OPERATOR_USER,
  changesOf,
  invariantBreaches,
  isDryRun,
  permissionsOf,
  writesOf,
  writesTo,
} from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { OperatorProcess } from '../support/operator.js';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { SERVING } from '../../src/api/serving.js';
import { type Condition, findCondition } from '../../src/kube/conditions.js';
import { NAMESPACE, POD, type Pod, SERVICE } from '../../src/kube/types.js';

const IDLE_MS = 60_000;
/** How long a new operator is looked at: twice the least time between two writes of what ztunnel knows of a namespace. */
const SECOND_LOOK_MS = 20_000;
/**
 * When everything is written that follows from what happened last: a new operator says once more what lasts, 30 s after it leads; what
 * ztunnel knows of a namespace is written 10 s after the last time at the earliest.
 */
const SETTLED_MS = 40_000;
/** Of an operator that is idle, after all suites. */
const MAX_RESIDENT_MB = 130;

interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** What the suites before it must have done. */
export interface AccountingOptions {
  /** What the operator is granted and never used, as `verb resource.group[/subresource]`. */
  readonly unusedPermissions: readonly string[];
  /** How many there must be, for the checks to mean something. */
  readonly atLeast: {
    /** Namespaces that were migrated, or taken back. */
    readonly changedNamespaces: number;
    /** Gateways that are served when nothing changes any more. */
    readonly servedGateways: number;
    /** Services that are bound to waypoints then. */
    readonly boundServices: number;
  };
  /** How the names begin of namespaces in which nothing is left to do: waypoints that serve, a view. */
  readonly settled: readonly string[];
}

/** What all suites together asked of the API server, from its audit log. Runs last. */
export function accounting(cluster: () => Cluster, options: AccountingOptions): void {
  const { unusedPermissions, atLeast, settled } = options;
  const isExpected = (permission: string): boolean => !unusedPermissions.includes(permission);
  /** When the operator was started last, if a test has done so; by the cluster's clock. */
  let restartedAt: number | undefined;

  it('writes nothing anew where nothing has changed, after a restart', async () => {
    const { items } = await cluster().client.list(NAMESPACE);
    const isThere = (prefix: string): boolean => items.some(({ metadata }) => metadata.name.startsWith(prefix));
    expect(settled.filter((prefix) => !isThere(prefix))).toEqual([]);
    // What follows from the last changes is said a moment later.
    await cluster().time.sleep(2_000);
    await cluster().operator.stop();
    const before = cluster().audit().length;
    await cluster().operator.start();
    restartedAt = cluster().time.now();
    await cluster().time.sleep(SECOND_LOOK_MS);
    const again = cluster().audit().slice(before);
    const written = settled.flatMap((prefix) => writesTo(again, prefix));
    expect(written.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
  });

  it('never had a pod Ready outside the mesh, nor un-enrolled one without a sidecar, in any namespace of any test', async () => {
    const entries = cluster().audit();
    const touched = new Set(
      changesOf(entries).flatMap(({ objectRef }) =>
        objectRef?.resource === 'namespaces' && objectRef.name ? [objectRef.name] : [],
      ),
    );
    expect(touched.size).toBeGreaterThanOrEqual(atLeast.changedNamespaces);
    expect(
      [...touched].flatMap((name) => invariantBreaches(entries, name).map((breach) => `${name}: ${breach}`)),
    ).toEqual([]);
  });

  it('used exactly what its ServiceAccount is granted', async () => {
    const entries = cluster()
      .audit()
      .filter(({ user }) => user.username === OPERATOR_USER);
    const real = new Set(entries.filter((entry) => !isDryRun(entry)).flatMap(permissionsOf));
    const tried = new Set(entries.filter(isDryRun).flatMap(permissionsOf));
    const all = await granted(cluster());
    expect(unusedPermissions.filter((permission) => !all.has(permission))).toEqual([]);
    expect([...new Set([...real, ...tried])].filter((permission) => !permission.includes(' -')).sort()).toEqual(
      [...all].filter(isExpected).sort(),
    );
    expect([...tried].filter((permission) => !real.has(permission)).sort()).toEqual(['create pods'].filter(isExpected));
  });

  it('is refused a pod that is not a dry run', async () => {
    const client = cluster().clientAs(OPERATOR_USER);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'real', namespace: 'default' },
      spec: { containers: [{ name: 'app', image: 'x' }] },
    };
    const create = (dryRun: boolean): Promise<Pod> => client.create(POD, pod, { fieldManager: 'test', dryRun });
    await expect(create(true)).resolves.toMatchObject({ metadata: { name: 'real' } });
    await expect(create(false)).rejects.toThrow(/dry run/);
    client.close();
  });

  it('is idle when nothing changes: no writes but the Lease, at most one request per watched kind and minute', async () => {
    const now = cluster().time.now();
    await cluster().time.sleep(Math.max(0, (restartedAt ?? now) + SETTLED_MS - now));
    const served = await waypointsInUse(cluster());
    expect(served.gateways.length).toBeGreaterThanOrEqual(atLeast.servedGateways);
    expect(served.services.length).toBeGreaterThanOrEqual(atLeast.boundServices);
    const before = cluster().audit().length;
    await cluster().time.sleep(IDLE_MS);
    expect(await waypointsInUse(cluster())).toEqual(served);
    const entries = cluster()
      .audit()
      .slice(before)
      .filter(({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.resource !== 'leases');
    expect(writesOf(entries)).toEqual([]);
    const perKind = new Map<string, number>();
    for (const { requestURI, verb, stage } of entries) {
      // A watch is logged when it begins, and when it ends.
      if (verb === 'watch' && stage === 'ResponseComplete') continue;
      const path = requestURI.replace(/\?.*/, '');
      perKind.set(path, (perKind.get(path) ?? 0) + 1);
    }
    expect([...perKind].filter(([, count]) => count > 1)).toEqual([]);
  });

  it(`takes no more than ${MAX_RESIDENT_MB} MB`, ({ skip }) => {
    const { operator } = cluster();
    if (!(operator instanceof OperatorProcess)) return skip('the operator is no process of its own here');
    const status = readFileSync(`/proc/${operator.pid ?? ''}/status`, 'utf8');
    const residentMb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    expect(residentMb).toBeGreaterThan(10);
    expect(residentMb).toBeLessThanOrEqual(MAX_RESIDENT_MB);
  });
}

/** Gateways that Sidestep serves, and Services that istiod has bound to them: what istiod and we could write by turns. */
async function waypointsInUse({ client }: Cluster): Promise<{ gateways: string[]; services: string[] }> {
  const namesOf = <T extends { metadata: { namespace?: string; name: string }; status?: { conditions?: unknown } }>(
    items: readonly T[],
    type: string,
  ): string[] =>
    items
      .filter(({ status }) => findCondition(status?.conditions as Condition[], type)?.status === 'True')
      .map(({ metadata: { namespace = '', name } }) => `${namespace}/${name}`)
      .sort();
  return {
    gateways: namesOf((await client.list<Gateway>(GATEWAY)).items, SERVING),
    services: namesOf((await client.list(SERVICE)).items, 'istio.io/WaypointBound'),
  };
}

/** Everything that the operator's roles grant, as `verb resource.group`. */
async function granted(cluster: Cluster): Promise<Set<string>> {
  const list = JSON.parse(await cluster.kubectl('get', 'clusterroles,roles', '-A', '-o', 'json')) as {
    items: { metadata: { name: string }; rules: PolicyRule[] }[];
  };
  const ours = list.items.filter(({ metadata }) => metadata.name === 'sidestep');
  expect(ours.length).toBeGreaterThan(1);
  return new Set(
    ours.flatMap(({ rules }) =>
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => {
            const [name = '', subresource] = resource.split('/');
            return verbs.map(
              (verb) => `${verb} ${name}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`,
            );
          }),
        ),
      ),
    ),
  );
}
