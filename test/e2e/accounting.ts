import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OPERATOR_USER, changesOf, invariantBreaches, isDryRun, permissionsOf, writesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { OperatorProcess } from '../support/operator.js';
import { type Gateway, GATEWAY } from '../../src/api/gateway-api.js';
import { SERVING } from '../../src/api/serving.js';
import { type Condition, findCondition } from '../../src/kube/conditions.js';
import { NAMESPACE, POD, type Pod, SERVICE } from '../../src/kube/types.js';

const IDLE_MS = 60_000;
/** Of an operator that is idle, after all suites. */
const MAX_RESIDENT_MB = 180;

interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

/** What all suites together asked of the API server, from its audit log. Runs last. */
export function accounting(cluster: () => Cluster): void {
  it('never had a pod Ready outside the mesh, nor un-enrolled one without a sidecar, in any namespace of any test', async () => {
    const entries = cluster().audit();
    const touched = new Set(
      changesOf(entries).flatMap(({ objectRef }) =>
        objectRef?.resource === 'namespaces' && objectRef.name ? [objectRef.name] : [],
      ),
    );
    expect(touched.size).toBeGreaterThan(15);
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
    expect([...new Set([...real, ...tried])].filter((permission) => !permission.includes(' -')).sort()).toEqual(
      [...(await granted(cluster()))].sort(),
    );
    expect([...tried].filter((permission) => !real.has(permission)).sort()).toEqual([
      'create authorizationpolicies.security.istio.io',
      'create pods',
    ]);
  });

  it('is refused a pod that is not a dry run', async () => {
    const client = cluster().clientAs(OPERATOR_USER);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'real', namespace: 'legacy-apps' },
      spec: { containers: [{ name: 'app', image: 'x' }] },
    };
    const create = (dryRun: boolean): Promise<Pod> => client.create(POD, pod, { fieldManager: 'test', dryRun });
    await expect(create(true)).resolves.toMatchObject({ metadata: { name: 'real' } });
    await expect(create(false)).rejects.toThrow(/dry run/);
    client.close();
    await expect(cluster().client.get(NAMESPACE, { name: 'legacy-apps' })).resolves.toBeDefined();
  });

  it('is idle when nothing changes: no writes but the Lease, at most one request per watched kind and minute', async () => {
    // What ztunnel knows of a namespace is written 10 s after the last time at the earliest.
    await cluster().time.sleep(12_000);
    const served = await waypointsInUse(cluster());
    expect(served.gateways.length).toBeGreaterThan(5);
    expect(served.services.length).toBeGreaterThan(2);
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

  it(`takes no more than ${MAX_RESIDENT_MB} MB`, async ({ skip }) => {
    const { operator, time } = cluster();
    if (!(operator instanceof OperatorProcess)) return skip('the operator is no process of its own here');
    const residentMb = (): number => {
      const status = readFileSync(`/proc/${operator.pid ?? ''}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    };
    // What is no longer used is given back while there is nothing else to do.
    for (let tries = 0; residentMb() > MAX_RESIDENT_MB && tries < 12; tries += 1) await time.sleep(5_000);
    expect(residentMb()).toBeGreaterThan(10);
    expect(residentMb()).toBeLessThanOrEqual(MAX_RESIDENT_MB);
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
