import { proxyAuthorization, type ProxyDecision } from '../../../src/mesh/enforcement/proxy-authorization.js';
import type { ProxyRequest } from '../../../src/mesh/enforcement/request.js';
import { principalHeader } from './bootstrap.js';
import type { Certificate } from './certificates.js';
import { exchange, type WireRequest, type WireResponse } from './connection.js';
import type { ProxyCase } from './proxies.js';

/** Who has answered, and what. */
export type Answer =
  'allowed' | 'refused by rules' | 'refused by provider' | 'token 401' | 'token 403' | `other: ${string}`;

/** A request, what we say of it, and what Envoy does. */
export interface Judgement {
  of: ProxyCase;
  request: ProxyRequest;
  decision: ProxyDecision;
  ours: Answer;
  envoys: Answer;
}

/** Puts the requests of a case to Envoy and to our model. */
export async function judge(
  of: ProxyCase,
  port: number,
  certificates: ReadonlyMap<string, Certificate>,
): Promise<Judgement[]> {
  const authorization = proxyAuthorization(of.policies, of.settings);
  const judgements = of.connections.map(async ({ facts, requests }) => {
    const { source, destination, tls } = facts;
    const responses = await exchange(
      {
        port,
        from: source,
        to: destination,
        ...(tls && {
          tls: { ...certificates.get(tls.principal)!, ...(tls.sni !== undefined && { serverName: tls.sni }) },
        }),
      },
      requests.map((request) => wireRequest(request, of.kind)),
    );
    return requests.map((request, index): Judgement => {
      const decision = authorization.decide(of.kind === 'tcp' ? withoutHttp(request) : request);
      return { of, request, decision, ours: answerOf(decision), envoys: envoysAnswer(responses[index]!) };
    });
  });
  return (await Promise.all(judgements)).flat();
}

function withoutHttp({ http: _, ...connection }: ProxyRequest): ProxyRequest {
  return connection;
}

function answerOf(decision: ProxyDecision): Answer {
  if (!decision.allowed && decision.by === 'Custom') return 'refused by rules';
  if (decision.asks === 'no') return 'refused by provider';
  if (decision.allowed) return 'allowed';
  return decision.by === 'Token' ? `token ${decision.status}` : 'refused by rules';
}

function envoysAnswer({ status, body }: WireResponse): Answer {
  if (status === 200 && body === 'ok') return 'allowed';
  if (status === 403 && body === 'RBAC: access denied') return 'refused by rules';
  if (status === 403 && body === '') return 'refused by provider';
  if ((status === 401 || status === 403) && /^(Jwt|Audience)/.test(body)) return `token ${status}`;
  return `other: ${status} ${body}`;
}

function wireRequest({ source, http }: ProxyRequest, kind: ProxyCase['kind']): WireRequest {
  const { method = 'GET', path = '/', host = '', headers = {} } = http ?? {};
  const all = Object.entries(headers).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  const principal = kind === 'certificate' ? undefined : source.principal;
  return {
    method,
    path,
    headers: [
      ['host', host],
      ...(principal === undefined ? [] : [[principalHeader, `spiffe://${principal}`] as const]),
      ...all,
    ],
  };
}

/** A judgement for people: what differs, and everything that it depends on, tokens by what they say. */
export function describeJudgement({ of, request, decision, ours, envoys }: Judgement): string {
  const { tokens = {}, ...http } = request.http ?? {};
  const asked = JSON.stringify({ ...request, http });
  const texts = Object.keys(tokens).filter((text) => asked.includes(text));
  const spelled = texts.reduce(
    (all, text) => all.replaceAll(text, JSON.stringify(tokens[text]).replaceAll('"', "'")),
    asked,
  );
  const policies = of.policies.map(({ metadata, spec }) => ({ metadata, spec }));
  const { policy: _, policies: __, ...why } = { policy: undefined, policies: undefined, ...decision };
  const withoutKeys = (key: string, value: unknown): unknown => (key === 'jwks' ? undefined : value);
  return [
    `${of.name} (${of.kind}): ours ${ours}, Envoy's ${envoys}`,
    `  because ${JSON.stringify(why)}`,
    `  request ${spelled}`,
    `  settings ${JSON.stringify(of.settings)}`,
    `  policies ${JSON.stringify(policies, withoutKeys)}`,
  ].join('\n');
}
