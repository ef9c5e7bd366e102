import { addQuantities, quantityInNano } from '../../quantity.js';
import type { Container, PodSpec } from './pod.js';

type Amounts = Record<string, string>;

/**
 * What a pod asks for, or is limited to, as a whole: containers and sidecars together, or the greatest init container with
 * the sidecars before it, whichever is more; and the overhead of its runtime.
 *
 * @see component-helpers, resource/helpers.go, PodRequests, PodLimits
 */
export function podResources(spec: PodSpec, part: 'requests' | 'limits'): Amounts {
  const amounts = ({ resources }: Container): Amounts => resources?.[part] ?? {};
  let total = (spec.containers ?? []).map(amounts).reduce(sum, {});
  let sidecars: Amounts = {};
  let greatestInit: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      total = sum(total, amounts(container));
      sidecars = sum(sidecars, amounts(container));
      greatestInit = greater(greatestInit, sidecars);
    } else {
      greatestInit = greater(greatestInit, sum(amounts(container), sidecars));
    }
  }
  total = greater(total, greatestInit);
  const { overhead = {} } = spec;
  if (part === 'requests') return sum(total, overhead);
  const limited = Object.entries(overhead).filter(([name]) => total[name] !== undefined);
  return sum(total, Object.fromEntries(limited));
}

function sum(a: Amounts, b: Amounts): Amounts {
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([name, amount]) => [name, added(a[name], amount)])) };
}

function added(a: string | undefined, b: string): string {
  return a === undefined ? b : addQuantities([a, b]);
}

function greater(a: Amounts, b: Amounts): Amounts {
  const more = Object.entries(b).filter(([name, amount]) => quantityInNano(amount) > quantityInNano(a[name] ?? -1));
  return { ...a, ...Object.fromEntries(more) };
}
