import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AUTHORIZATION_POLICY } from '../../src/api/istio.js';
import type { HttpRequest } from '../../src/mesh/enforcement/request.js';
import { repositoryRoot } from '../controlplane/paths.js';
import type { Cluster } from '../support/cluster.js';
import { answers, liveMesh } from '../support/replayed-mesh.js';
import type { Screen } from './screen.js';

const ISSUER = 'testing@secure.istio.io';
const NAMESPACES = ['legacy-apps', 'ambient-apps'];
const TO = { to: 'legacy-apps/httpbin-legacy', port: 8000 };

const request = (path: string, token?: string): HttpRequest => ({
  method: 'GET',
  host: 'httpbin-legacy.legacy-apps:8000',
  path,
  headers: token === undefined ? {} : { authorization: [`Bearer ${token}`] },
  tokens: { good: { claims: { iss: ISSUER, sub: ISSUER } } },
});

/** What the article asks with curl, and what it gets. */
const REQUESTS: readonly (readonly [what: string, from: string, http: HttpRequest, code: 200 | 403])[] = [
  ['sleep-ambient, /headers with a token', 'ambient-apps/sleep-ambient', request('/headers', 'good'), 403],
  ['sleep-ambient, /ip without', 'ambient-apps/sleep-ambient', request('/ip'), 403],
  ['sleep-ambient, /ip with a token', 'ambient-apps/sleep-ambient', request('/ip', 'good'), 200],
  ['rogue-client, /ip with a token', 'ambient-apps/rogue-sa', request('/ip', 'good'), 403],
];

/**
 * The article's policies on `legacy-apps`. There are no proxies here to ask: the answers are those of the model that Sidestep plans with,
 * from the objects of the cluster; tests put the model to the real Envoy.
 */
export class ArticlePolicies {
  /** Wrong answers since the last check. */
  #wrong: string[] = [];
  #moments = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly screen: Screen,
  ) {}

  /** Step 4. */
  async requireTokens(): Promise<void> {
    this.screen.title('Step 4 of the article: kubectl apply -f examples/policies/legacy-jwt.yaml');
    await this.#apply('legacy-jwt');
    for (const [what, from, http, code] of REQUESTS) {
      const codes = await this.#codes(from, http);
      this.screen.check(`${what}: ${code}`, codes.length > 0 && codes.every((one) => one === code), codes);
    }
  }

  /** Step 3, on pods that are behind a waypoint by then. */
  async requireIdentityToo(untilReady: () => Promise<void>): Promise<void> {
    this.screen.title('Step 3 of the article: kubectl apply -f examples/policies/legacy-callers.yaml');
    await this.#apply('legacy-callers');
    await this.#until('the policy has what it needs beside it', (names) =>
      names.includes('require-sleep-identity-admission'),
    );
    await untilReady();
    const [, from, http] = REQUESTS[1]!;
    const allowed = await this.#codes(from, http);
    this.screen.check(
      'sleep-ambient, /ip: 200, by its identity',
      allowed.every((one) => one === 200),
      allowed,
    );
    const [, rogue, withToken] = REQUESTS[3]!;
    const refused = await this.#codes(rogue, withToken);
    this.screen.check(
      'rogue-client, /ip with a token: 403',
      refused.every((one) => one === 403),
      refused,
    );
    await this.cluster.client.delete(AUTHORIZATION_POLICY, {
      namespace: 'legacy-apps',
      name: 'require-sleep-identity',
    });
    const isGone = (names: readonly string[]): boolean => names.every((name) => !name.startsWith('require-sleep'));
    await this.#until('without that policy nothing of it is left', isGone);
    await untilReady();
    this.screen.line('kubectl delete authorizationpolicy require-sleep-identity: nothing of it is left');
  }

  /** Asks everything once more, and remembers what is wrong. */
  async watch(): Promise<void> {
    this.#moments += 1;
    for (const [what, from, http, code] of REQUESTS) {
      const codes = await this.#codes(from, http);
      if (codes.some((one) => one !== code)) this.#wrong.push(`${what}: ${codes.join(', ')}, not ${code}`);
    }
  }

  /** Checks what has been seen since the last time. */
  async checkMoments(when: string): Promise<void> {
    await this.watch();
    this.screen.check(
      `403, 403, 200 and 403 at ${this.#moments} moments ${when}`,
      this.#wrong.length === 0,
      this.#wrong,
    );
    this.#wrong = [];
    this.#moments = 0;
  }

  async #codes(from: string, http: HttpRequest): Promise<number[]> {
    const picture = await liveMesh(this.cluster.client, NAMESPACES);
    return answers(picture, { from, ...TO }, http).map(({ allowed }) => (allowed ? 200 : 403));
  }

  async #until(what: string, isSo: (names: readonly string[]) => boolean): Promise<void> {
    await this.cluster.until(what, async () => {
      const { items } = await this.cluster.client.list(AUTHORIZATION_POLICY, { namespace: 'legacy-apps' });
      return isSo(items.map(({ metadata }) => metadata.name)) ? true : undefined;
    });
  }

  async #apply(name: string): Promise<void> {
    await this.cluster.apply(readFileSync(join(repositoryRoot, 'examples', 'policies', `${name}.yaml`), 'utf8'));
  }
}
