import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import {
  AUTHORIZATION_POLICY,
  REQUEST_AUTHENTICATION,
  TELEMETRY,
  TRAFFIC_EXTENSION,
  WASM_PLUGIN,
} from '../../src/api/istio.js';
import { GATEWAY } from '../../src/api/gateway-api.js';
import type { KubeObject } from '../../src/kube/resource.js';
import { DEPLOYMENT, NAMESPACE } from '../../src/kube/types.js';
import type { HttpRequest } from '../../src/mesh/enforcement/request.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { type PodOptions, deployment, namespace, yaml } from '../support/fixtures.js';
import { listedFindings } from '../support/listed-findings.js';
import { namespaceState } from '../support/namespace-state.js';
import { answers, replayedMesh } from '../support/replayed-mesh.js';

const ISSUER = 'https://billing.example';

const account = (inNamespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: inNamespace },
});

/** A Deployment under an account of its own name. */
export function ownAccount(inNamespace: string, name: string, options: PodOptions = {}): object[] {
  const made = deployment(inNamespace, name, options) as { spec: { template: { spec: object } } };
  const { spec } = made;
  const template = { ...spec.template, spec: { ...spec.template.spec, serviceAccountName: name } };
  return [account(inNamespace, name), { ...made, spec: { ...spec, template } }];
}

/** A Service of the pods with label `app`. */
export const service = (inNamespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: inNamespace },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
});

/** A policy of Istio's. */
export const policy = (kind: string, inNamespace: string, name: string, spec: object): object => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name, namespace: inNamespace },
  spec,
});

/** Tests that share a cluster have sidecars, and layer 7 policies, in namespaces of their own. */
export const NOBODY_ELSE_CALLS = ['SST2035', 'SST2048'].map((code) => ({ code, reason: 'nobody else calls' }));

/** The article's step 4: only the issuer's bearer, only the caller that is named, only one path. */
function article(inNamespace: string, server: string, caller: string): object[] {
  const selector = { matchLabels: { app: server } };
  return [
    policy('RequestAuthentication', inNamespace, 'require-jwt-for-billing', {
      selector,
      jwtRules: [{ issuer: ISSUER, jwksUri: `${ISSUER}/keys` }],
    }),
    policy('AuthorizationPolicy', inNamespace, 'allow-ip-path-with-jwt', {
      selector,
      action: 'ALLOW',
      rules: [
        {
          from: [{ source: { principals: [`cluster.local/ns/${caller.replace('/', '/sa/')}`] } }],
          to: [{ operation: { paths: ['/ip'] } }],
          when: [{ key: 'request.auth.claims[iss]', values: [ISSUER] }],
        },
      ],
    }),
  ];
}

const request = (path: string, token?: string): HttpRequest => ({
  method: 'GET',
  host: 'httpbin:8000',
  path,
  headers: token === undefined ? {} : { authorization: [`Bearer ${token}`] },
  tokens: { good: { claims: { iss: ISSUER, sub: 'me' } }, forged: { claims: { iss: ISSUER }, state: 'Forged' } },
});

/** What is asked in each mesh, and whether it may be allowed. */
const REQUESTS: readonly (readonly [what: string, HttpRequest, isAllowed: boolean])[] = [
  ['/headers with a token', request('/headers', 'good'), false],
  ['/ip without', request('/ip'), false],
  ['/ip with one', request('/ip', 'good'), true],
  ['/ip with a forged one', request('/ip', 'forged'), false],
];

/** Kinds that a migration writes for a waypoint. */
const WRITTEN = [AUTHORIZATION_POLICY, REQUEST_AUTHENTICATION, WASM_PLUGIN, TRAFFIC_EXTENSION, TELEMETRY];

/** Filters in the pods of a server, and what they tell of requests. */
function filters(inNamespace: string, server: string): object[] {
  const spec = { selector: { matchLabels: { app: server } }, match: [{ mode: 'SERVER' }] };
  const { selector } = spec;
  const of = (apiVersion: string, kind: string, name: string, fields: object): object => ({
    apiVersion,
    kind,
    metadata: { name, namespace: inNamespace },
    spec: { ...spec, ...fields },
  });
  return [
    of('extensions.istio.io/v1alpha1', 'WasmPlugin', 'login', { url: 'oci://example.com/login:1', phase: 'AUTHN' }),
    of('extensions.istio.io/v1alpha1', 'TrafficExtension', 'header', {
      lua: { inlineCode: 'function envoy_on_request(handle) handle:headers():add("x-a", "1") end' },
    }),
    {
      ...of('telemetry.istio.io/v1', 'Telemetry', 'logs', {}),
      spec: { selector, accessLogging: [{ providers: [{ name: 'envoy' }] }] },
    },
  ];
}

/** Namespaces whose policies only a waypoint can enforce. */
export function layer7Policies(cluster: () => Cluster): void {
  const specs = async (name: string): Promise<Record<string, unknown>> => {
    const all: KubeObject[] = [];
    for (const type of WRITTEN) {
      all.push(...(await cluster().client.list<KubeObject>(type, { namespace: name })).items);
    }
    return Object.fromEntries(all.map(({ metadata, ...rest }) => [metadata.name, (rest as { spec?: unknown }).spec]));
  };

  /** What each request met, in every mesh that there was: `who what -> answer`, with the first write after which it was so. */
  const met = (
    names: readonly string[],
    calls: readonly (readonly [from: string, to: string])[],
  ): Map<string, string> => {
    const seen = new Map<string, string>();
    for (const { after, picture } of replayedMesh(cluster().audit(), new Set(names))) {
      for (const [from, to] of calls) {
        for (const [what, http] of REQUESTS) {
          for (const { allowed } of answers(picture, { from, to, port: 8000 }, http)) {
            const key = `${from} ${what} ${allowed ? 'allowed' : 'denied'}`;
            if (!seen.has(key)) seen.set(key, after);
          }
        }
      }
    }
    return seen;
  };

  it('takes the article to ambient mode and back: 403, 403 and 200 at every moment', async () => {
    const [name, callers] = ['layer7-article', 'layer7-callers'];
    await cluster().apply(
      yaml(
        namespace(callers, { 'istio.io/dataplane-mode': 'ambient' }),
        ...ownAccount(callers, 'sleep'),
        ...ownAccount(callers, 'rogue'),
        namespace(name),
      ),
    );
    // The policies come first: a pod that nobody protects yet is no pod of the article.
    await cluster().apply(yaml(...article(name, 'httpbin', `${callers}/sleep`)));
    await cluster().apply(yaml(...ownAccount(name, 'httpbin'), service(name, 'httpbin')));
    await cluster().podsReady(callers, 2);
    await cluster().podsReady(name, 1);
    const before = await namespaceState(cluster().client, name);
    const policies = await specs(name);

    await cluster().migrate(name, { waypoint: { replicas: { min: 1, max: 1 } } });
    await cluster().ready(name, 'Migrated');
    const listed = await listedFindings(cluster(), name);
    expect(
      listed
        ?.filter(({ code }) => code.startsWith('SST2') && code !== 'SST2043')
        .map(({ code, object }) => `${code} ${object}`),
    ).toEqual([
      'SST2032 AuthorizationPolicy/allow-ip-path-with-jwt',
      'SST2032 RequestAuthentication/require-jwt-for-billing',
    ]);
    const after = await specs(name);
    expect(after).toMatchObject(policies);
    expect(Object.keys(after).sort()).toEqual([
      'allow-ip-path-with-jwt',
      'allow-ip-path-with-jwt-admission',
      'allow-ip-path-with-jwt-wp',
      'require-jwt-for-billing',
      'require-jwt-for-billing-requestauthentication-guard',
      'require-jwt-for-billing-wp',
    ]);
    const { spec } = await cluster().client.get(DEPLOYMENT, { namespace: name, name: 'httpbin' });
    expect(spec.template.metadata?.labels).toMatchObject({
      'istio.io/dataplane-mode': 'ambient',
      'sidecar.istio.io/inject': 'false',
    });
    expect((await cluster().client.get(NAMESPACE, { name })).metadata.labels).toMatchObject({
      'istio.io/dataplane-mode': 'ambient',
      'istio-injection': 'disabled',
    });

    await cluster().migrate(name, { dataplaneMode: 'Sidecar', waypoint: { replicas: { min: 1, max: 1 } } });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 1);
    expect(await specs(name)).toEqual(policies);
    expect(await namespaceState(cluster().client, name)).toEqual(before);

    const calls = [
      [`${callers}/sleep`, `${name}/httpbin`],
      [`${callers}/rogue`, `${name}/httpbin`],
    ] as const;
    const wanted = calls.flatMap(([from]) =>
      REQUESTS.map(
        ([what, , isAllowed]) => `${from} ${what} ${isAllowed && from.endsWith('sleep') ? 'allowed' : 'denied'}`,
      ),
    );
    const seen = met([name, callers], calls);
    expect([...seen.keys()].sort(), JSON.stringify(Object.fromEntries(seen))).toEqual(wanted.sort());
  });
  it('restarts callers first: whom a guard keeps from a workload still calls it with a sidecar before that', async () => {
    const name = 'layer7-callers-first';
    await cluster().apply(yaml(namespace(name)));
    const selector = { matchLabels: { app: 'api' } };
    const deny = { selector, action: 'DENY', rules: [{ to: [{ operation: { paths: ['/headers'] } }] }] };
    await cluster().apply(
      yaml(
        policy('AuthorizationPolicy', name, 'no-headers', deny),
        policy('RequestAuthentication', name, 'tokens', {
          selector,
          jwtRules: [{ issuer: ISSUER, jwksUri: `${ISSUER}/keys` }],
        }),
        ...filters(name, 'api'),
      ),
    );
    const policies = await specs(name);
    const callers = ['web', 'worker'];
    await cluster().apply(yaml(...['api', ...callers].flatMap((one) => ownAccount(name, one)), service(name, 'api')));
    await cluster().podsReady(name, 3);
    const before = await namespaceState(cluster().client, name);
    const rollout = { maxConcurrent: 3 };
    const waypoint = { replicas: { min: 1, max: 1 } };
    const acknowledge = [...NOBODY_ELSE_CALLS, { code: 'SST2046', reason: 'filters look at no certificates' }];

    await cluster().migrate(name, { waypoint, rollout, acknowledge });
    await cluster().ready(name, 'Migrated');
    const restarted = changesIn(cluster(), name).filter((change) => change.includes('/deployments/'));
    expect(restarted.map((change) => change.replace(/.*deployments\/([a-z]+).*/, '$1'))).toEqual([...callers, 'api']);
    const written = await specs(name);
    expect(written['no-headers-guard']).toMatchObject({ selector });
    const targetRefs = [{ group: '', kind: 'Service', name: 'api' }];
    for (const copy of ['login-wp', 'header-wp', 'logs-wp']) expect(written[copy], copy).toMatchObject({ targetRefs });
    expect(Object.keys(written)).toEqual(
      expect.arrayContaining(['login-wasmplugin-guard', 'header-trafficextension-guard']),
    );

    await cluster().migrate(name, { dataplaneMode: 'Sidecar', waypoint, rollout, acknowledge });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 3);
    expect(await specs(name)).toEqual(policies);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
    // What it says of others changes with them.
    await cluster().client.delete(AMBIENT_MIGRATION, { namespace: name, name });
    const seen = met(
      [name],
      callers.map((caller) => [`${name}/${caller}`, `${name}/api`] as const),
    );
    const wanted = callers.flatMap((caller) =>
      REQUESTS.map(([what]) => `${name}/${caller} ${what} ${/headers|forged/.test(what) ? 'denied' : 'allowed'}`),
    );
    expect([...seen.keys()].sort(), JSON.stringify(Object.fromEntries(seen))).toEqual(wanted.sort());
  });
  it('keeps what it has written as the policies are: also where hands change these, or what it has written', async () => {
    const name = 'layer7-hands';
    const selector = { matchLabels: { app: 'api' } };
    const spec = (path: string): object => ({
      selector,
      action: 'DENY',
      rules: [{ to: [{ operation: { paths: [path] } }] }],
    });
    await cluster().apply(yaml(namespace(name), policy('AuthorizationPolicy', name, 'no', spec('/a'))));
    await cluster().apply(yaml(...ownAccount(name, 'api'), service(name, 'api')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name, { acknowledge: NOBODY_ELSE_CALLS, waypoint: { replicas: { min: 1, max: 1 } } });
    await cluster().ready(name, 'Migrated');
    const written = await specs(name);
    const pathOf = (found: Record<string, unknown>): unknown =>
      (found['no-wp'] as { rules?: { to: { operation: { paths: string[] } }[] }[] } | undefined)?.rules?.[0]?.to[0]
        ?.operation.paths[0];
    expect(pathOf(written)).toBe('/a');

    // A hand takes the guard away, and another empties the copy.
    await cluster().client.delete(AUTHORIZATION_POLICY, { namespace: name, name: 'no-guard' });
    await cluster().apply(
      yaml(policy('AuthorizationPolicy', name, 'no-wp', { ...(written['no-wp'] as object), action: 'ALLOW' })),
    );
    await cluster().until('what was written is back', async () =>
      isDeepStrictEqual(await specs(name), written) ? true : undefined,
    );

    await cluster().apply(yaml(policy('AuthorizationPolicy', name, 'no', spec('/b'))));
    await cluster().until('the copy follows', async () => (pathOf(await specs(name)) === '/b' ? true : undefined));
    await cluster().ready(name, 'Migrated');
    await cluster().client.delete(AUTHORIZATION_POLICY, { namespace: name, name: 'no' });
    await cluster().until('nothing of it is left', async () =>
      Object.keys(await specs(name)).length === 0 ? true : undefined,
    );
    await cluster().ready(name, 'Migrated');
    await cluster().client.delete(AMBIENT_MIGRATION, { namespace: name, name });
  });

  it('takes along all that it has written for a policy that came after the migration, when that goes again', async () => {
    const name = 'layer7-later';
    await cluster().apply(yaml(namespace(name), ...ownAccount(name, 'api'), service(name, 'api')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name, { waypoint: { replicas: { min: 1, max: 1 } } });
    await cluster().ready(name, 'Migrated');
    const selector = { matchLabels: { app: 'api' } };
    const rules = [{ to: [{ operation: { paths: ['/a'] } }] }];
    await cluster().apply(yaml(policy('AuthorizationPolicy', name, 'no', { selector, action: 'DENY', rules })));
    await cluster().until('it is guarded', async () => ('no-guard' in (await specs(name)) ? true : undefined));
    await cluster().client.delete(AUTHORIZATION_POLICY, { namespace: name, name: 'no' });
    // A guard that stayed would refuse everybody once the waypoint is gone.
    await cluster().until('waypoint and policies are gone', async () => {
      const { items } = await cluster().client.list(GATEWAY, { namespace: name });
      if (items.length > 0) return undefined;
      expect(await specs(name)).toEqual({});
      return true;
    });
    await cluster().ready(name, 'Migrated');
  });
}
