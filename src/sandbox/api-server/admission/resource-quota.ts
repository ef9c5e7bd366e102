import { isEqual } from '../json.js';
import type { AdmissionAttributes } from './admission-chain.js';
import { addQuantities, canonicalQuantity, quantityInNano } from '../../quantity.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import type { Registry } from '../registry.js';
import type { ServedResource } from '../resource.js';
import type { Operations } from '../operations.js';
import { type AdmissionPlugin, denied } from './plugin.js';
import { type QuotaSpec, isInScope } from './quota-scopes.js';
import { type Usage, masked, unspecified, usageIn, usageOf } from './quota-usage.js';

const quotas = { group: '', plural: 'resourcequotas' };

/**
 * ResourceQuotas: what a namespace may hold. Used amounts are counted when they are needed, so they are never stale; the
 * status follows in the same tick, where a real cluster has a controller.
 *
 * @see apiserver, pkg/admission/plugin/resourcequota/controller.go
 */
export class ResourceQuotas implements AdmissionPlugin {
  readonly #stale = new Set<string>();

  constructor(
    private readonly cluster: ClusterView,
    private readonly registry: Registry,
    private readonly now: () => number,
  ) {}

  validate(attributes: AdmissionAttributes): void {
    const { resource, operation, subresource, namespace = '', object, oldObject } = attributes;
    if (subresource !== '' || namespace === '' || object === undefined || !resource.namespaced) return;
    if (operation !== 'CREATE' && operation !== 'UPDATE') return;
    for (const quota of this.cluster.list(quotas, namespace)) {
      const spec = (quota['spec'] ?? {}) as QuotaSpec;
      if (isInScope(spec, resource.plural, object)) this.#confirm(attributes, quota, spec, object, oldObject);
    }
  }

  #confirm(
    attributes: AdmissionAttributes,
    { metadata }: ApiObject,
    spec: QuotaSpec,
    object: ApiObject,
    oldObject: ApiObject | undefined,
  ): void {
    const { resource } = attributes;
    const hard = spec.hard ?? {};
    const names = Object.keys(hard);
    if (resource.plural === 'pods' && resource.group === '' && attributes.operation === 'CREATE') {
      const missing = unspecified(object, names);
      if (missing) throw denied(attributes, `failed quota: ${metadata.name}: ${missing}`);
    }
    const before =
      oldObject && isInScope(spec, resource.plural, oldObject) ? usageOf(resource, oldObject, this.now()) : {};
    const requested = more(masked(usageOf(resource, object, this.now()), names), before);
    const asked = Object.keys(requested);
    if (asked.length === 0) return;
    const used = this.#used(metadata.namespace!, spec, asked);
    const exceeded = asked.filter(
      (name) => quantityInNano(used[name]) + quantityInNano(requested[name]) > quantityInNano(hard[name]),
    );
    if (exceeded.length === 0) return;
    const [wanted, taken, limited] = [requested, used, hard].map((usage) => printed(masked(usage, exceeded)));
    const why = `requested: ${wanted}, used: ${taken}, limited: ${limited}`;
    throw denied(attributes, `exceeded quota: ${metadata.name}, ${why}`);
  }

  /** Keeps the status of quotas up to date. Returns what ends it. */
  keepStatus(operations: Operations): () => void {
    return this.cluster.onCommit(({ object }) => {
      const { namespace } = object.metadata;
      if (namespace === undefined || this.#stale.has(namespace)) return;
      if (this.cluster.list(quotas, namespace).length === 0) return;
      this.#stale.add(namespace);
      // Not within the write that has just been stored.
      queueMicrotask(() => {
        this.#stale.delete(namespace);
        this.#writeStatus(operations, namespace);
      });
    });
  }

  #writeStatus(operations: Operations, namespace: string): void {
    const resource = operations.find('', 'resourcequotas');
    for (const quota of resource ? this.cluster.list(quotas, namespace) : []) {
      const spec = (quota['spec'] ?? {}) as QuotaSpec;
      const hard = spec.hard ?? {};
      const status = { hard: { ...hard }, used: this.#used(namespace, spec, Object.keys(hard)) };
      if (isEqual(quota['status'], status)) continue;
      const ref = { namespace, name: quota.metadata.name };
      operations.update(resource!, ref, (next) => (next['status'] = status), { subresource: 'status' });
    }
  }

  #used(namespace: string, spec: QuotaSpec, names: readonly string[]): Usage {
    const kinds = this.registry.all().filter((kind) => isCounted(kind, names));
    const counts = ({ plural }: { plural: string }, object: ApiObject): boolean => isInScope(spec, plural, object);
    return usageIn(this.cluster, kinds, namespace, names, counts, this.now());
  }
}

/** Whether objects of a kind use up anything of these names; each stored kind once. */
function isCounted(kind: ServedResource, names: readonly string[]): boolean {
  const { group, plural } = kind;
  if (!kind.namespaced || kind.answer || kind.storageKey !== `${group}/${plural}`) return false;
  const counted = names.some((name) => name === `count/${group === '' ? plural : `${plural}.${group}`}`);
  if (counted || group !== '') return counted;
  if (plural === 'pods') return names.some((name) => !name.startsWith('count/'));
  return names.some((name) => name === plural || name.startsWith(`${plural}.`) || name.includes('storage'));
}

/** What is asked for in addition; what stays or shrinks is none of a quota's business. */
function more(usage: Usage, before: Usage): Usage {
  const grown = Object.entries(usage).filter(
    ([name, amount]) => quantityInNano(amount) > quantityInNano(before[name] ?? 0),
  );
  return Object.fromEntries(
    grown.map(([name, amount]) => [name, before[name] ? addQuantities([amount, `-${before[name]}`]) : amount]),
  );
}

function printed(usage: Usage): string {
  const names = Object.keys(usage).sort();
  return names.map((name) => `${name}=${String(canonicalQuantity(usage[name]))}`).join(',');
}
