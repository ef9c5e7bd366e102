import type { Seen } from '../enforcement/attributes.js';
import { type ProxyRule, type ProxyRules, proxyRules, seenOfConnection } from '../enforcement/proxy-authorization.js';
import type { ProxyRequest, ProxySettings } from '../enforcement/request.js';
import type { Question } from '../enforcement/rule.js';
import type { PolicyObject } from '../policy-object.js';
import { all, any, type Formula, not } from './formula.js';
import { ruleFormula, type Standpoint, unknown, UNKNOWN } from './questions.js';
import { NO_TOKEN, type TokenCase, viewOf } from './token-cases.js';

type Connection = Omit<ProxyRequest, 'http' | 'remoteAddress'>;

/** A proxy with its policies, as one caller meets it: all that is left to say is what is asked for. */
export interface Gate {
  /** The same for whoever meets the same questions with the same answers so far. */
  readonly key: string;
  /** RequestAuthentications. */
  readonly authentications: readonly PolicyObject[];
  /** Reasons to refuse a request, always in the same order. If none holds, it is allowed. */
  refusals(token: TokenCase): readonly Formula[];
}

/** The variable that says whether a provider refuses what it is asked about. */
export const refusesName = (provider: string): string => `${UNKNOWN}the provider ${provider} refuses`;

/** A proxy, whoever calls. */
export class ProxyPolicies {
  /** Of these policies, and of no others. */
  readonly id: string;
  readonly #hop: Standpoint['hop'];
  readonly #readsHttp: boolean;
  readonly #rules: ProxyRules;
  readonly #authentications: readonly PolicyObject[];
  readonly #ofSource: readonly Question[];
  readonly #ofDestination: readonly Question[];
  readonly #sourceKeys = new Map<string, string>();
  readonly #destinationKeys = new Map<string, string>();
  readonly #formulas = new Map<string, readonly Formula[]>();

  constructor(
    id: string,
    policies: readonly PolicyObject[],
    settings: ProxySettings,
    { hop, readsHttp }: { hop: Standpoint['hop']; readsHttp: boolean },
  ) {
    this.id = id;
    this.#hop = hop;
    this.#readsHttp = readsHttp;
    this.#rules = proxyRules(policies, settings, readsHttp);
    this.#authentications = readsHttp ? policies.filter(({ kind }) => kind === 'RequestAuthentication') : [];
    const { refuse, ask, deny, allow } = this.#rules;
    const questions = [...refuse, ...ask, ...deny, ...allow].flatMap(({ clauses }) => clauses.flat(2));
    this.#ofSource = questions.filter(({ key }) => key.startsWith('source.') || key === 'remote.ip');
    this.#ofDestination = questions.filter(({ key }) => key.startsWith('destination.'));
  }

  /** As the caller of this connection meets it; undefined if it lets everything pass. */
  gate(connection: Connection): Gate | undefined {
    const { deny, allowPolicies, refuse, ask } = this.#rules;
    const isOpen = [deny, allowPolicies, refuse, ask, this.#authentications].every(({ length }) => length === 0);
    if (isOpen) return undefined;
    const key = `${this.id}:${this.#sourceKey(connection)}:${this.destinationKey(connection)}`;
    return {
      key,
      authentications: this.#authentications,
      refusals: (token) =>
        remembered(this.#formulas, `${key} ${JSON.stringify(token)}`, () =>
          this.#refusals(seenOfConnection(connection), token),
        ),
    };
  }

  /** What policies can tell of where a connection goes. */
  destinationKey({ destination }: Pick<Connection, 'destination'>): string {
    if (this.#ofDestination.length === 0) return '';
    const of = `${destination.address} ${destination.port}`;
    return remembered(this.#destinationKeys, of, () =>
      answers(this.#ofDestination, seenOfConnection({ source: { address: '' }, destination })),
    );
  }

  /** What policies can tell of who calls; of one in plaintext they can tell less. */
  sourceKind(principal: string, address: string): string {
    return this.#sourceKey({ source: { principal, address }, destination: { address: '', port: 0 } });
  }

  #sourceKey({ source, destination }: Connection): string {
    if (this.#ofSource.length === 0) return '';
    return remembered(this.#sourceKeys, `${source.principal ?? ''} ${source.address}`, () =>
      answers(this.#ofSource, seenOfConnection({ source, destination })),
    );
  }

  #refusals(seen: Seen, token: TokenCase): Formula[] {
    const { refuse, ask, provider, deny, allow, allowPolicies } = this.#rules;
    const view = this.#readsHttp ? viewOf(token, this.#authentications) : NO_TOKEN;
    const authenticated: Standpoint = { hop: this.#hop, seen, token: view };
    const raw: Standpoint = { ...authenticated, token: { ...NO_TOKEN, headers: token.headers } };
    const anyRule = (rules: readonly ProxyRule[], at: Standpoint): Formula =>
      any(rules.map(({ clauses }) => ruleFormula(clauses, at)));
    return [
      ...byPolicy(refuse).map((rules) => anyRule(rules, raw)),
      all([anyRule(ask, raw), ask.length > 0 && unknown(refusesName(provider))]),
      view.isRefused,
      ...byPolicy(deny).map((rules) => anyRule(rules, authenticated)),
      allowPolicies.length > 0 && not(anyRule(allow, authenticated)),
    ];
  }
}

function byPolicy(rules: readonly ProxyRule[]): ProxyRule[][] {
  const groups = new Map<PolicyObject, ProxyRule[]>();
  for (const rule of rules) groups.set(rule.policy, [...(groups.get(rule.policy) ?? []), rule]);
  return [...groups.values()];
}

function answers(questions: readonly Question[], seen: Seen): string {
  return questions.flatMap((question) => question.values.map(({ test }) => (test(seen) ? '1' : '0'))).join('');
}

/** What is in a map, or is made and put there. */
export function remembered<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
