import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import { ACTIONS, randomAuthentications, randomPolicy } from '../../../test/controlplane/envoy/policy-generator.js';
import { randomConnection, randomRequest } from '../../../test/controlplane/envoy/request-generator.js';
import { makeTokens } from '../../../test/controlplane/envoy/tokens.js';
import { proxyAuthorization } from '../enforcement/proxy-authorization.js';
import type { PolicyObject } from '../policy-object.js';
import { ProxyPolicies } from './gates.js';
import { solve, type Solution, type Way } from './solve.js';

/*
 * Two proxies whose policies differ in one: what some request shows, the search must find. Policies ask about everything that there is to
 * ask about; requests are made to hit them.
 */

const PAIRS = 400;
/** Pairs of one test. */
const BLOCK = 5;
const REQUESTS = 150;

const settings = { trustDomain: 'td1', trustDomainAliases: ['td2'] };

/** Whether a policy asks for what nobody can know. */
const isUndecidable = (policy: PolicyObject): boolean => /connection\.sni|experimental\./.test(JSON.stringify(policy));

function randomSet(random: Random, jwks: string): PolicyObject[] {
  const made = random.times(1, 3, (index) => randomPolicy(random, `p${index}`, ACTIONS, ['missing']));
  return [...made.filter((policy) => !isUndecidable(policy)), ...randomAuthentications(random, jwks)];
}

const blocks = Array.from({ length: PAIRS / BLOCK }, (_, index) => [index * BLOCK + 1, (index + 1) * BLOCK] as const);
const tokens = makeTokens();
/** What was found between each pair, and how many requests showed it. */
const foundIn = new Map<number, { readonly kinds: ReadonlySet<Solution['kind']>; readonly shown: number }>();

function solved(seed: number): void {
  const random = new Random(seed);
  const before = randomSet(random, tokens.jwks);
  const dropped = random.int(0, before.length - 1);
  const after = [
    ...before.filter((_, index) => index !== dropped),
    ...random.some(randomSet(random, tokens.jwks), 0.3),
  ];
  const facts = randomConnection(random, true);
  const { source, destination } = randomRequest(random, facts, tokens);
  const way = (id: string, policies: readonly PolicyObject[]): Way => {
    const proxy = new ProxyPolicies(id, policies, settings, { hop: 'Sidecar', readsHttp: true });
    const gate = proxy.gate({ source, destination });
    return { key: id, isClosed: false, gates: gate ? [gate] : [] };
  };
  const { solutions, undecided } = solve(way('before', before), way('after', after), settings);
  expect(undecided).toBe(0);
  const kinds = new Set(solutions.map(({ kind }) => kind));
  const [old, now] = [before, after].map((policies) => proxyAuthorization(policies, settings)) as [
    ReturnType<typeof proxyAuthorization>,
    ReturnType<typeof proxyAuthorization>,
  ];
  let shown = 0;
  for (let count = 0; count < REQUESTS; count++) {
    const { sni: _, metadata: __, ...request } = { ...randomRequest(random, facts, tokens), source, destination };
    const [was, is] = [old.decide(request).allowed, now.decide(request).allowed];
    if (was === is) continue;
    shown += 1;
    const context = `pair ${seed}: ${JSON.stringify({ before, after, http: { ...request.http, tokens: undefined } })}`;
    expect(kinds.has(is ? 'Opens' : 'Refuses'), context).toBe(true);
  }
  foundIn.set(seed, { kinds, shown });
}

describe('the search', () => {
  it.each(blocks)('finds what requests show, between the proxies of pairs %i to %i', (from, to) => {
    for (let seed = from; seed <= to; seed++) solved(seed);
  });

  afterAll(() => {
    if (foundIn.size < PAIRS) return;
    const found = [...foundIn.values()];
    for (const kind of ['Opens', 'Refuses'] as const) {
      expect(found.filter(({ kinds }) => kinds.has(kind)).length).toBeGreaterThan(PAIRS / 5);
    }
    expect(found.reduce((sum, { shown }) => sum + shown, 0)).toBeGreaterThan(PAIRS);
  });
});
