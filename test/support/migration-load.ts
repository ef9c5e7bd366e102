import { type AuditEntry, OPERATOR_USER, isDryRun } from './audit.js';
import { deployment, namespace, yaml } from './fixtures.js';

/** What namespaces on sidecars hold, for measuring their migration. */
export interface Load {
  /** Deployments of a namespace, each with a Service. */
  readonly workloads: number;
  /** Pods of a Deployment. */
  readonly replicas: number;
}

/** YAML of a namespace with its load. */
export function loadOf(name: string, { workloads, replicas }: Load): string {
  const apps = Array.from({ length: workloads }, (_, index) => `app-${String(index).padStart(2, '0')}`);
  return yaml(
    namespace(name),
    ...apps.flatMap((app) => [
      deployment(name, app, { replicas }),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: app, namespace: name },
        spec: { selector: { app }, ports: [{ name: 'http', port: 80 }] },
      },
    ]),
  );
}

/** How many requests of a sort there were. */
export type RequestCounts = Readonly<Record<string, number>>;

/**
 * The operator's requests about a namespace and what is in it, as `patch deployments.apps`, watches left out. Dry runs are told apart as
 * `dry-run pods`, and what the API server has refused by the code of the answer: `patch deployments: 409`.
 *
 * @param isMeant  namespaces whose requests count, by name
 */
export function requestsAbout(entries: readonly AuditEntry[], isMeant: (namespace: string) => boolean): RequestCounts {
  const counts: Record<string, number> = {};
  for (const entry of entries) {
    const { user, verb, objectRef } = entry;
    const about = objectRef?.resource === 'namespaces' ? objectRef.name : objectRef?.namespace;
    if (user.username !== OPERATOR_USER || verb === 'watch' || about === undefined || !isMeant(about)) continue;
    const what = sortOf(entry);
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sortOf(entry: AuditEntry): string {
  const { resource = '', subresource } = entry.objectRef ?? {};
  const what = `${resource}${subresource ? `/${subresource}` : ''}`;
  // A dry run asks what would be refused: its answer is no failure.
  if (isDryRun(entry)) return `dry-run ${what}`;
  const code = entry.responseStatus?.code ?? 0;
  return `${entry.verb} ${what}${code >= 300 ? `: ${code}` : ''}`;
}

/** All of them. */
export function total(counts: RequestCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
