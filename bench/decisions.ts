import { proxyAuthorization } from '../src/mesh/enforcement/proxy-authorization.js';
import { proxyCase } from '../test/controlplane/envoy/proxies.js';
import { makeTokens } from '../test/controlplane/envoy/tokens.js';

/*
 * How long one decision of a proxy takes, in µs of CPU, and what compiling its policies costs: the generated proxies and requests
 * that are put to the real Envoy. Code is warm. The bar: a decision takes at most 20 µs in half of the rounds.
 */

const PROXIES = 300;
const REQUESTS_PER_CONNECTION = 34;
const ROUNDS = 7;
const BAR_US = 20;

const tokens = makeTokens();
const proxies = Array.from({ length: PROXIES }, (_, index) => proxyCase(index + 1, tokens, REQUESTS_PER_CONNECTION));

function cpuUs(action: () => void): number {
  const startedAt = process.cpuUsage();
  action();
  return process.cpuUsage(startedAt).user;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const compile = (): ReturnType<typeof proxyAuthorization>[] =>
  proxies.map(({ policies, settings }) => proxyAuthorization(policies, settings));

const compiled = compile();
const requests = proxies.flatMap(({ connections }, index) =>
  connections.flatMap((connection) => connection.requests.map((request) => ({ index, request }))),
);
const decideAll = (): void => requests.forEach(({ index, request }) => compiled[index]!.decide(request));

decideAll();
const rounds = Array.from({ length: ROUNDS }, () => ({
  decision: cpuUs(decideAll) / requests.length,
  compilation: cpuUs(compile) / PROXIES,
}));
const decision = median(rounds.map((round) => round.decision));
const compilation = median(rounds.map((round) => round.compilation));
console.log(`${requests.length} requests, ${PROXIES} proxies; medians of ${ROUNDS} rounds`);
console.log(`a decision: ${decision.toFixed(1)} µs (at most ${BAR_US}: ${decision <= BAR_US ? 'met' : 'MISSED'})`);
console.log(`compiling the policies of a proxy: ${compilation.toFixed(0)} µs`);
