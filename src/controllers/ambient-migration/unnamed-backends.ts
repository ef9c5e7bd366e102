import { type PolicyObject, asRecord, asRecords } from '../../mesh/policy-object.js';
import type { Observed } from './observed.js';

/** What routes name: Services, and DestinationRules for these. */
const BACKENDS = new Set(['Service', 'DestinationRule']);

/** Whether a migration writes it for routes to name. */
export const isBackend = ({ kind }: Pick<PolicyObject, 'kind'>): boolean => BACKENDS.has(kind);

/**
 * Since when no route of a migration names a Service or a DestinationRule that it has written for one. istiod tells proxies first that a
 * Service is gone, and then the routes: without a moment in between requests would be sent nowhere. Nothing in the cluster says when a
 * route went; after a restart of the operator the moment begins anew.
 */
export class UnnamedBackends {
  readonly #since = new Map<string, ReadonlyMap<string, number>>();

  /** By `Kind/name`: milliseconds since the epoch. */
  see({ namespace, translated, nowMs }: Observed): ReadonlyMap<string, number> {
    const known = this.#since.get(namespace.metadata.name);
    const named = new Set(translated.flatMap((object) => (object.kind === 'HTTPRoute' ? namesIn(object.spec) : [])));
    const since = new Map(
      translated
        .filter((object) => isBackend(object) && !named.has(object.metadata.name))
        .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
        .map((key) => [key, Math.min(known?.get(key) ?? nowMs, nowMs)]),
    );
    if (since.size > 0) this.#since.set(namespace.metadata.name, since);
    else this.forget(namespace.metadata.name);
    return since;
  }

  forget(namespace: string): void {
    this.#since.delete(namespace);
  }
}

/** Names of the backends of a route, those of copies of requests included. */
function namesIn(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(namesIn);
  const fields = asRecord(part);
  const refs = [...asRecords(fields['backendRefs']), asRecord(fields['backendRef'])];
  return [
    ...refs.flatMap(({ name }) => (typeof name === 'string' ? [name] : [])),
    ...Object.values(fields).flatMap(namesIn),
  ];
}
