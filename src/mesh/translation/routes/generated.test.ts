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
import { SeedBlocks } from '../../../../test/support/seed-blocks.js';
import { asRecord, asRecords, type PolicyObject } from '../../policy-object.js';
import { virtualServiceRoutes } from './virtual-service-routes.js';

/** 600 of them have a translation. */
const blocks = new SeedBlocks(942, 30);
const REQUESTS = 30;

describe('HTTPRoutes of generated VirtualServices', () => {
  it.each(blocks.all)('send requests where these do, with seeds %d to %d', (first, last) => {
    const tally = blocks.begin(first);
    const fire = (what: string): void => tally.add(what);
    for (let seed = first; seed <= last; seed++) {
      const random = new Random(seed);
      const host = random.pick(HOSTS);
      const virtualService = randomVirtualService(random, 'routes', host);
      const { objects, refused } = virtualServiceRoutes(virtualService, {
        namespace: SHOP,
        objects: [...MESH, virtualService],
      });
      fire(refused.length > 0 ? 'refused' : 'translated');
      refused.forEach(({ at }) => fire(`refused: ${at.replaceAll(/\[[^\]]*\]/g, '[]')}`));
      if (refused.length === 0) compare({ seed, random, host, virtualService, fire }, objects);
    }
    const { total } = blocks;
    if (total === undefined) return;
    const share = total.of('refused') / (total.of('refused') + total.of('translated'));
    console.log([total, `share of refused: ${(100 * share).toFixed(0)} %`].join('\n'));
    expect(total.of('translated')).toBe(600);
    for (const what of EXPECTED) expect(total.of(what), what).toBeGreaterThanOrEqual(50);
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

type Fire = (what: string) => void;

interface Case {
  readonly seed: number;
  readonly random: Random;
  readonly host: RoutedHost;
  readonly virtualService: PolicyObject;
  readonly fire: Fire;
}

function compare({ seed, random, host, virtualService, fire }: Case, objects: readonly PolicyObject[]): void {
  if (objects.some(({ metadata }) => metadata.name === 'routes-80')) fire('routes by port');
  for (let count = 0; count < REQUESTS; count++) {
    const request = randomRoutedRequest(random, host, virtualService);
    const before = byVirtualService(virtualService, request);
    const after = byHttpRoutes(objects, host.name, request);
    fire('requests');
    tell(before, asRecords(asRecord(virtualService.spec)['http']), fire);
    if (after === before.effect) continue;
    const context = `seed ${seed}, ${JSON.stringify(request)}\n${JSON.stringify([virtualService.spec, objects], undefined, 1)}`;
    expect(after, context).toBe(before.effect);
  }
}

function tell({ rule, match, effect }: Routed, rules: readonly Readonly<Record<string, unknown>>[], fire: Fire): void {
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
