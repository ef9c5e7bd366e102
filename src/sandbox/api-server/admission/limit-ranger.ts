import type { AdmissionAttributes } from './admission-chain.js';
import { canonicalQuantity, quantityInNano } from '../../quantity.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import { type AdmissionPlugin, type Draft, denied, isAbout } from './plugin.js';
import { type Container, type PodSpec, allContainers } from '../builtin/pod-spec.js';
import { podSpec } from './pod.js';
import { podResources } from './pod-resources.js';

type Amounts = Record<string, string>;

/** One entry of `spec.limits` of a LimitRange. */
interface Limit {
  type: string;
  default?: Amounts;
  defaultRequest?: Amounts;
  max?: Amounts;
  min?: Amounts;
  maxLimitRequestRatio?: Amounts;
}

/** LimitRanges: what containers ask for where they say nothing, and how much they may. @see plugin/pkg/admission/limitranger */
export function limitRanger(cluster: ClusterView): AdmissionPlugin {
  return {
    mutate(draft) {
      if (!isAbout(draft, '', 'pods') || draft.operation !== 'CREATE' || !draft.object) return;
      for (const range of rangesFor(cluster, draft)) setDefaults(draft.object, range);
    },
    validate(attributes) {
      const { object, operation, namespace = '' } = attributes;
      if (object === undefined || namespace === '') return;
      const isNewPod = isAbout(attributes, '', 'pods') && operation === 'CREATE';
      if (!isNewPod && !isAbout(attributes, '', 'persistentvolumeclaims')) return;
      for (const range of rangesFor(cluster, attributes)) {
        const found = range.flatMap((limit) => (isNewPod ? ofPod(limit, podSpec(object)) : ofClaim(limit, object)));
        const problems = [...new Set(found)];
        if (problems.length > 0)
          throw denied(attributes, problems.length > 1 ? `[${problems.join(', ')}]` : problems[0]!);
      }
    },
  };
}

function rangesFor(cluster: ClusterView, { namespace = '' }: Draft | AdmissionAttributes): Limit[][] {
  const ranges = namespace === '' ? [] : cluster.list({ group: '', plural: 'limitranges' }, namespace);
  return ranges.map(({ spec }) => (spec as { limits?: Limit[] } | undefined)?.limits ?? []);
}

/** Fills in requests and limits, and writes into an annotation which. */
function setDefaults(pod: ApiObject, limits: readonly Limit[]): void {
  const ofContainers = limits.filter(({ type }) => type === 'Container');
  const requests = Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest)) as Amounts;
  const maxima = Object.assign({}, ...ofContainers.map((limit) => limit.default)) as Amounts;
  const { containers, initContainers } = podSpec(pod);
  const notes = [
    ...(containers ?? []).flatMap((container) => fill(container, requests, maxima, 'container')),
    ...(initContainers ?? []).flatMap((container) => fill(container, requests, maxima, 'init container')),
  ];
  if (notes.length === 0) return;
  const note = `LimitRanger plugin set: ${notes.join('; ')}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, 'kubernetes.io/limit-ranger': note };
}

function fill(container: Container, requests: Amounts, limits: Amounts, what: string): string[] {
  const resources = (container.resources ??= {});
  const missing = (part: 'requests' | 'limits', defaults: Amounts): string[] => {
    const names = Object.keys(defaults).filter((name) => resources[part]?.[name] === undefined);
    if (names.length === 0) return [];
    const added = Object.fromEntries(names.map((name) => [name, defaults[name]!]));
    resources[part] = { ...resources[part], ...added };
    return [`${names.sort().join(', ')} ${part.slice(0, -1)} for ${what} ${container.name}`];
  };
  return [...missing('requests', requests), ...missing('limits', limits)];
}

function ofPod(limit: Limit, spec: PodSpec): string[] {
  if (limit.type === 'Container') {
    const inOrder = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    return inOrder.flatMap(({ resources }) => problems(limit, resources?.requests ?? {}, resources?.limits ?? {}));
  }
  if (limit.type !== 'Pod' || allContainers(spec).length === 0) return [];
  return problems(limit, podResources(spec, 'requests'), podResources(spec, 'limits'));
}

function ofClaim(limit: Limit, claim: ApiObject): string[] {
  if (limit.type !== 'PersistentVolumeClaim') return [];
  const { resources } = claim['spec'] as { resources?: { requests?: Amounts } };
  const requests = resources?.requests ?? {};
  const { type, min = {}, max = {} } = limit;
  return [
    ...each(min, (name, bound) => tooLittle(type, name, bound, requests, {})),
    ...each(max, (name, bound) => {
      const request = requests[name];
      if (request === undefined) return `maximum ${name} usage per ${type} is ${bound}.  No request is specified`;
      if (quantityInNano(request) <= quantityInNano(bound)) return undefined;
      return `maximum ${name} usage per ${type} is ${bound}, but request is ${shown(request)}`;
    }),
  ];
}

function problems(limit: Limit, requests: Amounts, limits: Amounts): string[] {
  const { type, min = {}, max = {}, maxLimitRequestRatio = {} } = limit;
  return [
    ...each(min, (name, bound) => tooLittle(type, name, bound, requests, limits)),
    ...each(max, (name, bound) => tooMuch(type, name, bound, requests, limits)),
    ...each(maxLimitRequestRatio, (name, bound) => tooFarApart(type, name, bound, requests[name], limits[name])),
  ];
}

function each(bounds: Amounts, problem: (name: string, bound: string) => string | undefined): string[] {
  return Object.entries(bounds).flatMap(([name, bound]) => problem(name, shown(bound)) ?? []);
}

function tooLittle(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const start = `minimum ${name} usage per ${type} is ${bound}`;
  if (request === undefined) return `${start}.  No request is specified`;
  if (quantityInNano(request) < quantityInNano(bound)) return `${start}, but request is ${shown(request)}`;
  if (limit === undefined || quantityInNano(limit) >= quantityInNano(bound)) return undefined;
  return `${start}, but limit is ${shown(limit)}`;
}

function tooMuch(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | undefined {
  const [request, limit] = [requests[name], limits[name]];
  const start = `maximum ${name} usage per ${type} is ${bound}`;
  if (limit === undefined) return `${start}.  No limit is specified`;
  if (quantityInNano(limit) > quantityInNano(bound)) return `${start}, but limit is ${shown(limit)}`;
  if (request === undefined || quantityInNano(request) <= quantityInNano(bound)) return undefined;
  return `${start}, but request is ${shown(request)}`;
}

function tooFarApart(
  type: string,
  name: string,
  bound: string,
  request: string | undefined,
  limit: string | undefined,
): string | undefined {
  const start = `${name} max limit to request ratio per ${type} is ${bound}`;
  const [asked, allowed] = [Number(quantityInNano(request ?? 0)), Number(quantityInNano(limit ?? 0))];
  if (asked === 0) return `${start}, but no request is specified or request is 0`;
  if (allowed === 0) return `${start}, but no limit is specified or limit is 0`;
  const ratio = allowed / asked;
  return ratio * 1e9 > Number(quantityInNano(bound))
    ? `${start}, but provided ratio is ${ratio.toFixed(6)}`
    : undefined;
}

function shown(quantity: string): string {
  return String(canonicalQuantity(quantity));
}
