import type { ProxyRequest, ProxySettings } from '../../../src/mesh/enforcement/request.js';
import type { PolicyObject } from '../../../src/mesh/policy-object.js';
import { Random } from '../ambient/random.js';
import type { GeneratedProxy } from './istio-filters.js';
import { ACTIONS, namespace, randomAuthentications, randomPolicy } from './policy-generator.js';
import { type ConnectionFacts, randomConnection, randomRequest } from './request-generator.js';
import type { Tokens } from './tokens.js';

/** A proxy with generated policies, and what it is asked. */
export interface ProxyCase {
  name: string;
  policies: readonly PolicyObject[];
  settings: ProxySettings;
  /** How the identity of callers gets to the proxy, and whether it sees HTTP. */
  kind: 'filter-state' | 'certificate' | 'tcp';
  connections: { facts: ConnectionFacts; requests: ProxyRequest[] }[];
}

/** Names of providers of CUSTOM policies, and ports of their clusters. `missing` is none of them. */
export const providers = { yes: 8000, no: 8001 };

const TRUST: readonly Pick<ProxySettings, 'trustDomain' | 'trustDomainAliases'>[] = [
  { trustDomain: 'cluster.local' },
  { trustDomain: 'td1', trustDomainAliases: ['td2'] },
  { trustDomain: 'td1', trustDomainAliases: ['td2', 'cluster.local'] },
];
const NORMALIZATION: readonly ProxySettings['pathNormalization'][] = [
  undefined,
  'BASE',
  'NONE',
  'MERGE_SLASHES',
  'DECODE_AND_MERGE_SLASHES',
];

/** The case of a seed; the same for the same seed, but for the texts of tokens. */
export function proxyCase(seed: number, tokens: Tokens, requestsPerConnection: number): ProxyCase {
  const random = new Random(seed);
  const kind = seed % 8 === 0 ? 'tcp' : seed % 4 === 1 ? 'certificate' : 'filter-state';
  const normalization = random.pick(NORMALIZATION);
  const providerNames = random.pick([['yes'], ['yes'], ['no'], ['missing'], ['yes', 'no']]);
  // Where there is no HTTP, a provider that speaks HTTP is not asked; as an HTTP filter, it would be.
  const withoutCustom = ACTIONS.filter((action) => action !== 'CUSTOM');
  const actions = kind === 'tcp' ? withoutCustom : random.chance(0.15) ? ['CUSTOM'] : ACTIONS;
  const policies = random.times(1, 5, (index) =>
    randomPolicy(random, `p${index}`, index === 0 ? ['ALLOW'] : actions, providerNames),
  );
  const authentications = randomAuthentications(random, tokens.jwks);
  const connections = random.times(3, 3, () => randomConnection(random, kind === 'certificate'));
  return {
    name: `seed-${seed}`,
    policies: [...policies, ...authentications],
    settings: {
      ...random.pick(TRUST),
      ...(normalization && { pathNormalization: normalization }),
      authorizationProviders: Object.fromEntries(Object.keys(providers).map((name) => [name, 'http'])),
    },
    kind,
    connections: connections.map((facts) => ({
      facts,
      requests: random.times(requestsPerConnection, requestsPerConnection, () => randomRequest(random, facts, tokens)),
    })),
  };
}

/** What the generator of Istio needs to know of a case. */
export function generatedProxy({ policies, settings, kind }: ProxyCase): GeneratedProxy {
  return {
    namespace,
    trustDomain: settings.trustDomain,
    trustDomainAliases: settings.trustDomainAliases ?? [],
    providers,
    policies,
    useFilterState: kind !== 'certificate',
    forTCP: kind === 'tcp',
  };
}
