import { normalizedPath } from '../../../src/mesh/enforcement/path.js';
import { proxyAuthorization } from '../../../src/mesh/enforcement/proxy-authorization.js';
import { asRecord, asRecords, asStrings, type PolicyObject } from '../../../src/mesh/policy-object.js';
import type { Judgement } from './judgement.js';
import type { ProxyCase } from './proxies.js';

type Fields = Readonly<Record<string, unknown>>;

/** How often a value held, and did not. */
export interface Held {
  holds: number;
  fails: number;
}

/** How often each kind of decision was made. */
export function decisionKinds(judgements: readonly Judgement[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(kindsOfDecision).map(([name, isSo]) => [name, judgements.filter(isSo).length]),
  );
}

/** How often values of each form held, and did not, by what they are about. */
export function heldValues(judgements: readonly Judgement[]): Record<string, Held> {
  const held: Record<string, Held> = {};
  for (const of of new Set(judgements.map((judgement) => judgement.of))) {
    if (of.kind === 'tcp') continue;
    const authentications = of.policies.filter(({ kind }) => kind === 'RequestAuthentication');
    const requests = of.connections.flatMap((connection) => connection.requests);
    for (const { name, policy } of valuesOf(of.policies)) {
      const alone = proxyAuthorization([policy, ...authentications], of.settings);
      const counted = (held[name] ??= { holds: 0, fails: 0 });
      for (const request of requests) {
        const { by } = alone.decide(request);
        if (by === 'Deny') counted.holds++;
        else if (by !== 'Token') counted.fails++;
      }
    }
  }
  return held;
}

/** Fields of rules by the attribute that they ask about. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  ipBlocks: 'source.ip',
  remoteIpBlocks: 'remote.ip',
  principals: 'source.principal',
  namespaces: 'source.namespace',
  serviceAccounts: 'source.serviceAccount',
  trustDomains: 'source.trustDomain',
  requestPrincipals: 'request.auth.principal',
  ports: 'destination.port',
};

/** Each value that is in the rules, once: what it is about and its form, and a policy of it alone. */
function valuesOf(policies: readonly PolicyObject[]): { name: string; policy: PolicyObject }[] {
  const values = policies.flatMap(({ kind, metadata: { name, namespace }, spec }) =>
    asRecords(asRecord(spec)['rules'])
      .flatMap(valuesOfRule)
      .map(([field, value, rule]) => ({
        name: `${aboutOf(field)} ${formOf(value)}`,
        policy: { kind, metadata: { name, namespace }, spec: { action: 'DENY', rules: [rule] } },
      })),
  );
  return [...new Map(values.map((value) => [JSON.stringify(value.policy.spec), value])).values()];
}

function valuesOfRule(rule: Fields): [field: string, value: string, rule: object][] {
  return [
    ...asRecords(rule['from']).flatMap(({ source }) =>
      eachValue(asRecord(source), (field, value) => ({ from: [{ source: { [field]: [value] } }] })),
    ),
    ...asRecords(rule['to']).flatMap(({ operation }) =>
      eachValue(asRecord(operation), (field, value) => ({ to: [{ operation: { [field]: [value] } }] })),
    ),
    ...asRecords(rule['when']).flatMap(({ key, values, notValues }) =>
      eachValue({ [String(key)]: [...asStrings(values), ...asStrings(notValues)] }, (field, value) => ({
        when: [{ key: field, values: [value] }],
      })),
    ),
  ];
}

function eachValue(fields: Fields, ruleOf: (field: string, value: string) => object): [string, string, object][] {
  return Object.entries(fields).flatMap(([field, values]) =>
    asStrings(values).map((value): [string, string, object] => [field, value, ruleOf(field, value)]),
  );
}

function aboutOf(field: string): string {
  const isNot = /^not[A-Z]/.test(field);
  const positive = isNot ? `${field.charAt(3).toLowerCase()}${field.slice(4)}` : field;
  const about = ATTRIBUTES[positive] ?? positive.replace(/\[.*/, '');
  return isNot ? `not ${about}` : about;
}

function formOf(value: string): string {
  if (value.includes('{')) return value.includes('{**}') ? '{**}' : '{*}';
  if (value === '*') return '*';
  if (value.startsWith('*')) return '*x';
  return value.endsWith('*') ? 'x*' : 'x';
}

const isAction = (policy: PolicyObject, action: string): boolean => asRecord(policy.spec)['action'] === action;
const isDry = ({ metadata }: PolicyObject): boolean =>
  /^(true|T)$/.test(metadata.annotations?.['istio.io/dry-run'] ?? '');
const jwtRules = ({ policies }: ProxyCase): readonly Fields[] =>
  policies.flatMap(({ spec }) => asRecords(asRecord(spec)['jwtRules']));
const isReached = ({ envoys }: Judgement): boolean => envoys === 'allowed' || envoys === 'refused by rules';
const providersOf = ({ policies }: ProxyCase): Set<unknown> =>
  new Set(policies.flatMap(({ spec }) => asRecord(asRecord(spec)['provider'])['name'] ?? []));
const hasToken = ({ request: { http } }: Judgement): boolean =>
  JSON.stringify([http?.headers, http?.path]).includes('eyJ');

/** By what Envoy has answered, and for which policies. */
const kindsOfDecision: Record<string, (of: Judgement) => boolean> = {
  'a rule of DENY refuses': ({ decision }) => decision.by === 'Deny',
  'a rule of ALLOW allows': ({ decision }) => decision.by === 'Allow',
  'no rule of ALLOW allows': ({ decision }) => decision.by === 'NoAllow',
  'nothing but ALLOW in a dry run': ({ decision }) => decision.by === 'NoPolicy',
  'a provider is asked and agrees': ({ decision, envoys }) => decision.asks === 'yes' && envoys === 'allowed',
  'a provider is asked and refuses': ({ envoys }) => envoys === 'refused by provider',
  'a provider is missing': ({ of, decision }) =>
    decision.by === 'Custom' &&
    of.policies.filter((policy) => isAction(policy, 'CUSTOM')).length === 1 &&
    !isDry(decision.policy),
  'there are two providers': ({ of, decision }) =>
    decision.by === 'Custom' && providersOf(of).size > 1 && !providersOf(of).has('missing'),
  'CUSTOM in a dry run refuses': ({ decision }) => decision.by === 'Custom' && isDry(decision.policy),
  'AUDIT is there': ({ of }) => of.policies.some((policy) => isAction(policy, 'AUDIT')),
  'a token is refused': ({ envoys }) => envoys === 'token 401',
  'a token is for somebody else': ({ envoys }) => envoys === 'token 403',
  'a token is accepted': (of) => isReached(of) && jwtRules(of.of).length > 0 && hasToken(of),
  'no token passes': (of) => isReached(of) && jwtRules(of.of).length > 0 && !hasToken(of),
  'two rules for tokens': (of) => jwtRules(of.of).length === 2,
  'a preflight passes with a bad token': (of) =>
    isReached(of) &&
    of.request.http?.method === 'OPTIONS' &&
    JSON.stringify(of.request.http.headers).includes('Bearer no-token'),
  'the caller sends plaintext': ({ request }) => request.source.principal === undefined,
  'the caller has a certificate': ({ of }) => of.kind === 'certificate',
  'there is no HTTP, and it is allowed': ({ of, envoys }) => of.kind === 'tcp' && envoys === 'allowed',
  'there is no HTTP, and it is refused': ({ of, envoys }) => of.kind === 'tcp' && envoys === 'refused by rules',
  'there is no HTTP for a rule of DENY with HTTP': ({ of, decision }) =>
    of.kind === 'tcp' &&
    decision.by === 'Deny' &&
    /"(paths|methods|hosts|requestPrincipals|request\.)/.test(JSON.stringify(decision.policy.spec)),
  'a path is normalised': ({ of, request: { http } }) =>
    http !== undefined && normalizedPath(http.path, of.settings.pathNormalization) !== http.path,
};
