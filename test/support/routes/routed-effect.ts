import { asRecord, asRecords, type PolicyObject } from '../../../src/mesh/policy-object.js';
import type { Routed, RoutedRequest as Asked } from '../../../src/mesh/routing/routed.js';
import type { RoutedRequest } from './mesh.js';
import { effectText, targetText } from './virtual-service-model.js';

/** A request as `src/mesh/routing` reads it. */
export function asked({ port, method, path, headers, query }: RoutedRequest): Asked {
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${value}`);
  return {
    port,
    http: {
      method,
      host: 'web',
      path: [path, parameters.join('&')].filter((part) => part !== '').join('?'),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    },
  };
}

/** What becomes of it, as the models here say it, but for how long it may take. */
export function routedEffect({ outcomes }: Routed, objects: readonly PolicyObject[], requested: number): string {
  const [first] = outcomes;
  if (first && 'answer' in first) {
    return first.answer.startsWith('redirects') ? first.answer.replace('redirects', 'redirect') : 'none';
  }
  const backends = outcomes.flatMap((outcome) => {
    if ('answer' in outcome) return [];
    const { service, port, labels, weight } = outcome;
    const found = objects.find(
      ({ kind, metadata }) =>
        kind === 'Service' && metadata.name === service.name && metadata.namespace === service.namespace,
    );
    const { selector, ports } = asRecord(found?.spec);
    const [only, ...others] = asRecords(ports);
    const number = port ?? (others.length === 0 ? Number(only?.['port']) : requested);
    return [{ to: targetText(service.namespace, { ...asRecord(selector), ...labels }, number), weight }];
  });
  return withoutTime(effectText(backends, 0));
}

/** An effect of the models without how long it may take. */
export const withoutTime = (effect: string): string => effect.replace(/; \S+ ms$/, '');
