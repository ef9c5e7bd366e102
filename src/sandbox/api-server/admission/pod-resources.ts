import { addQuantities, quantityInNano } from '../../quantity.js';
import type { Container, PodSpec } from '../builtin/pod-spec.js';

type Amounts = Record<string, string>;

/**
 * What a pod asks for, or is limited to, as a whole: containers and sidecars together, or the greatest init container with
 * the sidecars before it, whichever is more; and the overhead of its runtime.
 *
 * @see component-helpers, resource/helpers.go, PodRequests, PodLimits
 */
export function podResources(spec: PodSpec, part: 'requests' | 'limits'): Amounts {
  const amounts = ({ resources }: Container): Amounts => resources?.[part] ?? {};
  let total = (spec.containers ?? []).map(amounts).reduce(addAmounts, {});
  let sidecars: Amounts = {};
  let greatestInit: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      total = addAmounts(total, amounts(container));
      sidecars = addAmounts(sidecars, amounts(container));
      greatestInit = greater(greatestInit, sidecars);
    } else {
      greatestInit = greater(greatestInit, addAmounts(amounts(container), sidecars));
    }
  }
  total = greater(total, greatestInit);
  const { overhead = {} } = spec;
  if (part === 'requests') return addAmounts(total, overhead);
  const limited = Object.entries(overhead).filter(([name]) => total[name] !== undefined);
  return addAmounts(total, Object.fromEntries(limited));
}

/** Both together. */
export function addAmounts(a: Amounts, b: Amounts): Amounts {
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([name, amount]) => [name, added(a[name], amount)])) };
}

/** Zero has no form of its own. */
function added(a: string | undefined, b: string): string {
  return a === undefined ? b : addQuantities(a === '0' ? [b] : [a, b]);
}

function greater(a: Amounts, b: Amounts): Amounts {
  const more = Object.entries(b).filter(([name, amount]) => quantityInNano(amount) > quantityInNano(a[name] ?? -1));
  return { ...a, ...Object.fromEntries(more) };
}
