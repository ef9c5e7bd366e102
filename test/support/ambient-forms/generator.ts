import type { HttpRequest } from '../../../src/mesh/enforcement/request.js';
import { type PolicyObject, asRecord } from '../../../src/mesh/policy-object.js';
import type { Random } from '../../controlplane/ambient/random.js';
import { ISSUER, ofApi, policy, wasm, waypoint, web } from '../forms.js';

/** A policy or a filter of the namespace or of the mesh, named by its index. */
export function randomPolicy(random: Random, index: number): PolicyObject {
  const name = `p${index}`;
  const home = random.chance(0.1) ? 'istio-system' : 'shop';
  const selector = random.pick([{}, ofApi, ofApi, ofApi, { selector: { matchLabels: { app: 'web' } } }]);
  if (random.chance(0.15)) {
    const rule = { issuer: ISSUER, ...(random.chance(0.6) && { forwardOriginalToken: true }) };
    return policy({ ...selector, jwtRules: [rule] }, 'RequestAuthentication', name, home);
  }
  if (random.chance(0.1)) return randomFilter(random, selector, name, home);
  const action = random.pick(['ALLOW', 'ALLOW', 'DENY', 'DENY', 'CUSTOM']);
  const source = (): object =>
    random.pick([
      { principals: [web] },
      { principals: ['cluster.local/ns/other/sa/sleep', web] },
      { principals: ['*'] },
      { namespaces: ['other'] },
      { notNamespaces: ['other'] },
      { notPrincipals: ['cluster.local/ns/other/sa/sleep'] },
      { notPrincipals: [web, waypoint] },
      { notNamespaces: ['other'], notPrincipals: [waypoint] },
      { requestPrincipals: [`${ISSUER}/*`] },
      { notRequestPrincipals: ['*'] },
      { ipBlocks: ['10.0.0.0/24'] },
      { notIpBlocks: ['10.0.0.2'] },
    ]);
  const operation = (): object =>
    random.pick([
      { methods: ['GET'] },
      { paths: ['/ip'] },
      { paths: ['/a*'], methods: ['POST'] },
      { notPaths: ['/ip'] },
      { ports: ['80'] },
      { notPorts: ['80'], paths: ['/ip'] },
      { notMethods: ['POST'] },
      { notHosts: ['api'] },
      { hosts: ['api.shop'] },
    ]);
  const condition = (): object =>
    random.pick([
      { key: 'request.headers[x-role]', values: ['admin'] },
      { key: 'request.auth.claims[iss]', values: [ISSUER] },
      { key: 'source.namespace', values: ['shop'] },
      { key: 'source.namespace', notValues: ['other'] },
      { key: 'request.headers[x-role]', notValues: ['admin'] },
      { key: 'request.auth.claims[iss]', notValues: [ISSUER] },
      { key: 'request.auth.claims[sub]', notValues: ['me'] },
      { key: 'request.headers[authorization]', notValues: ['Bearer foreign'] },
      { key: 'destination.port', values: ['80'] },
      { key: 'destination.port', notValues: ['80'] },
    ]);
  const rules = random.times(1, 2, () => ({
    ...(random.chance(0.5) && { from: [{ source: source() }] }),
    ...(random.chance(0.7) && { to: [{ operation: operation() }] }),
    ...(random.chance(0.25) && { when: [condition()] }),
  }));
  const provider = action === 'CUSTOM' && { provider: { name: random.pick(['http', 'http', 'grpc', 'missing']) } };
  return policy({ ...selector, action, ...provider, rules }, 'AuthorizationPolicy', name, home);
}

/** What may refuse any request. */
function randomFilter(random: Random, selector: object, name: string, home: string): PolicyObject {
  const match = random.pick([undefined, [{ mode: 'SERVER' }], [{ mode: 'CLIENT' }], [{ ports: [{ number: 80 }] }]]);
  const spec = { ...selector, ...(match && { match }), phase: random.pick(['AUTHN', 'STATS']) };
  const made = wasm({ ...spec, priority: random.pick([1, 2]) }, home);
  return {
    ...made,
    metadata: { ...made.metadata, name },
    spec: { ...asRecord(made.spec), selector: undefined, ...selector },
  };
}

/** A request that such policies may tell from others. */
export function randomRequest(random: Random): HttpRequest {
  const token = random.pick([undefined, undefined, 'good', 'forged', 'foreign']);
  return {
    method: random.pick(['GET', 'POST']),
    host: random.pick(['api.shop', 'api']),
    path: random.pick(['/ip', '/a', '/ab', '/']),
    headers: {
      ...(random.chance(0.4) && { 'x-role': [random.pick(['admin', 'user'])] }),
      ...(token !== undefined && { authorization: [`Bearer ${token}`] }),
    },
    tokens: {
      good: { claims: { iss: ISSUER, sub: 'me' } },
      forged: { claims: { iss: ISSUER, sub: 'me' }, state: 'Forged' },
      foreign: { claims: { iss: 'https://other', sub: 'me' } },
    },
  };
}
