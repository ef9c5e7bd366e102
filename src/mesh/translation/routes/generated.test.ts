import { describe, expect, it } from 'vitest';
import { Random } from '../../../../test/controlplane/ambient/random.js';
import {
  HOSTS,
  randomRoutedRequest,
  randomVirtualService,
  type RoutedHost,
} from '../../../../test/support/routes/generator.js';
import { byHttpRoutes } from '../../../../test/support/routes/http-route-model.js';
import { MESH, SHOP } from '../../../../test/support/routes/mesh.js';
import { byVirtualService, type Routed } from '../../../../test/support/routes/virtual-service-model.js';
import { asRecord, asRecords, type PolicyObject } from '../../policy-object.js';
import { virtualServiceRoutes } from './virtual-service-routes.js';

const COMPLETE = 600;
const REQUESTS = 30;

const fired = new Map<string, number>();
const fire = (what: string): void => void fired.set(what, (fired.get(what) ?? 0) + 1);
const countOf = (what: string): number => fired.get(what) ?? 0;

describe('HTTPRoutes of generated VirtualServices', () => {
  it(`send requests where these do, of ${COMPLETE} that have a translation`, () => {
    for (let seed = 1; countOf('translated') < COMPLETE; seed++) {
      const random = new Random(seed);
      const host = random.pick(HOSTS);
      const virtualService = randomVirtualService(random, 'routes', host);
      const { objects, refused } = virtualServiceRoutes(virtualService, {
        namespace: SHOP,
        objects: [...MESH, virtualService],
      });
      fire(refused.length > 0 ? 'refused' : 'translated');
      refused.forEach(({ at }) => fire(`refused: ${at.replaceAll(/\[[^\]]*\]/g, '[]')}`));
      if (refused.length === 0) compare(seed, random, host, virtualService, objects);
    }
    const lines = [...fired].map(([what, count]) => `${what}: ${count}`).sort();
    const share = countOf('refused') / (countOf('refused') + countOf('translated'));
    console.log([...lines, `share of refused: ${(100 * share).toFixed(0)} %`].join('\n'));
    for (const what of EXPECTED) expect(countOf(what), what).toBeGreaterThanOrEqual(50);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.7);
  });
});

/** What must have happened often enough. */
const EXPECTED = [
  ...['exact', 'prefix', 'regex'].map((form) => `match uri ${form}`),
  ...['exact', 'regex'].map((form) => `match method ${form}`),
  ...['headers', 'queryParams'].flatMap((field) =>
    ['exact', 'prefix', 'regex', 'presence'].map((form) => `match ${field} ${form}`),
  ),
  ...['match port', 'match anything', 'rule none', 'rule 0', 'rule 1', 'rule 2', 'rule 3', 'rule 16 and more'],
  ...['several destinations', 'subset', 'other namespace', 'redirect', 'timeout', 'routes by port'],
];

function compare(
  seed: number,
  random: Random,
  host: RoutedHost,
  virtualService: PolicyObject,
  objects: readonly PolicyObject[],
): void {
  if (objects.some(({ metadata }) => metadata.name === 'routes-80')) fire('routes by port');
  for (let count = 0; count < REQUESTS; count++) {
    const request = randomRoutedRequest(random, host, virtualService);
    const before = byVirtualService(virtualService, request);
    const after = byHttpRoutes(objects, host.name, request);
    fire('requests');
    tell(before, asRecords(asRecord(virtualService.spec)['http']));
    if (after === before.effect) continue;
    const context = `seed ${seed}, ${JSON.stringify(request)}\n${JSON.stringify([virtualService.spec, objects], undefined, 1)}`;
    expect(after, context).toBe(before.effect);
  }
}

function tell({ rule, match, effect }: Routed, rules: readonly Readonly<Record<string, unknown>>[]): void {
  fire(`rule ${rule < 0 ? 'none' : rule > 15 ? '16 and more' : rule}`);
  if (rule >= 0 && Object.keys(match).length === 0) fire('match anything');
  const formOf = (pattern: unknown): string => Object.keys(asRecord(pattern))[0] ?? 'presence';
  for (const [field, asked] of Object.entries(match)) {
    if (field === 'port') fire('match port');
    else if (field === 'uri' || field === 'method') fire(`match ${field} ${formOf(asked)}`);
    else Object.values(asRecord(asked)).forEach((pattern) => fire(`match ${field} ${formOf(pattern)}`));
  }
  const routes = asRecords(rules[rule]?.['route']);
  if (routes.length > 1) fire('several destinations');
  if (JSON.stringify(routes).includes('subset')) fire('subset');
  if (JSON.stringify(routes).includes('.other.')) fire('other namespace');
  if (effect.startsWith('redirect')) fire('redirect');
  if (rules[rule]?.['timeout'] !== undefined) fire('timeout');
}
