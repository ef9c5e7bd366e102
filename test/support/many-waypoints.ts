import { GATEWAY, type Gateway } from '../../src/api/gateway-api.js';
import { SERVING } from '../../src/api/serving.js';
import { findCondition } from '../../src/kube/conditions.js';
import { SERVICE } from '../../src/kube/types.js';
import { type AuditEntry, writesOf } from './audit.js';
import type { Cluster } from './cluster.js';
import { namespace } from './fixtures.js';

/** Names of the applications of a namespace; the waypoint of `x` is `x-waypoint`. */
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `app-${index}`);

/** An ambient namespace with as many accounts, each with a Deployment of one pod and a Service: what waypoints are for. */
export function applications(name: string, count: number): object[] {
  return [
    namespace(name, { 'istio.io/dataplane-mode': 'ambient' }),
    ...names(count).flatMap((app) => [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: app, namespace: name } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: app, namespace: name },
        spec: {
          selector: { matchLabels: { app } },
          template: {
            metadata: { labels: { app } },
            spec: { serviceAccountName: app, containers: [{ name: 'app', image: 'example.com/app' }] },
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: app, namespace: name },
        spec: { selector: { app }, ports: [{ name: 'http', port: 80 }] },
      },
    ]),
  ];
}

/** A Gateway of class `istio` for each of the {@link applications}. */
export function gateways(name: string, count: number): object[] {
  return names(count).map((app) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: `${app}-waypoint`, namespace: name },
    spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] },
  }));
}

/** Waits until istiod has bound the Service of each application to the waypoint of its account. */
export async function allBound(cluster: Cluster, name: string, options: { timeoutMs: number }): Promise<void> {
  await cluster.until(
    `the waypoints of ${name}`,
    async () => {
      const [services, waypoints] = await Promise.all([
        cluster.client.list(SERVICE, { namespace: name }),
        cluster.client.list<Gateway>(GATEWAY, { namespace: name }),
      ]);
      const bound = services.items.filter(
        ({ status }) => findCondition(status?.conditions, 'istio.io/WaypointBound')?.status === 'True',
      );
      const serving = waypoints.items.filter(
        ({ status }) => findCondition(status?.conditions, SERVING)?.status === 'True',
      );
      if (bound.length === waypoints.items.length && serving.length === bound.length) return true;
      throw new Error(`${serving.length} Gateways serve, ${bound.length} Services are bound`);
    },
    options,
  );
}

/**
 * How often the operator changed an object of a namespace: by what it did and to which kind, the most that any one object got.
 * Events, which it only adds, and writes that were refused are left out. A status that is said again counts once: istiod writes
 * a status as a whole, with what others said a while ago.
 */
export function mostWrites(entries: readonly AuditEntry[], namespace: string): Record<string, number> {
  const perObject = new Map<string, Map<string, Set<string>>>();
  for (const entry of writesTo(entries, namespace)) {
    if (codeOf(entry) >= 300) continue;
    const objects = perObject.get(whatOf(entry)) ?? new Map<string, Set<string>>();
    const name = entry.objectRef?.name ?? '';
    const writes = objects.get(name) ?? new Set();
    perObject.set(whatOf(entry), objects.set(name, writes.add(saidBy(entry) ?? `write ${writes.size + 1}`)));
  }
  const most = (objects: Map<string, Set<string>>): number =>
    Math.max(...[...objects.values()].map(({ size }) => size));
  return Object.fromEntries([...perObject].map(([what, objects]) => [what, most(objects)]));
}

/** Writes of the operator in a namespace that the API server has refused, by what was tried and the code of the answer. */
export function refusedWrites(entries: readonly AuditEntry[], namespace: string): Record<string, number> {
  const refused: Record<string, number> = {};
  for (const entry of writesTo(entries, namespace)) {
    const what = `${whatOf(entry)}: ${codeOf(entry)}`;
    if (codeOf(entry) >= 300) refused[what] = (refused[what] ?? 0) + 1;
  }
  return refused;
}

const writesTo = (entries: readonly AuditEntry[], namespace: string): AuditEntry[] =>
  writesOf(entries).filter(({ objectRef }) => objectRef?.namespace === namespace && objectRef.resource !== 'events');

const codeOf = ({ responseStatus }: AuditEntry): number => responseStatus?.code ?? 500;

function whatOf({ verb, objectRef }: AuditEntry): string {
  const { resource = '', subresource } = objectRef ?? {};
  return `${verb} ${resource}${subresource ? `/${subresource}` : ''}`;
}

/** What a write of a Gateway's status says; undefined for any other write. */
function saidBy({ objectRef, responseObject }: AuditEntry): string | undefined {
  if (objectRef?.resource !== 'gateways' || objectRef.subresource !== 'status') return undefined;
  const said = findCondition((responseObject as Gateway).status?.conditions, SERVING);
  return said && `${said.status} ${said.reason} ${said.message} ${said.observedGeneration}`;
}
