import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CanI, canI } from './can-i.js';

/* Two versions of a server, of which a policy closes one, and routes that choose between them. */

const workload = (name: string, app: string, version: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: ${app}, version: ${version} } }
  template:
    metadata: { labels: { app: ${app}, version: ${version} } }
    spec: { serviceAccountName: ${app}, containers: [{ name: app, image: app }] }
---`;

const service = (name: string, selector: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { ${selector} }, ports: [{ name: http, port: 80 }] }
---`;

const namespace = (labels: string): string => `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { ${labels} } }
---`;

const mesh = `
${workload('sleep', 'sleep', 'v1')}
${workload('web-v1', 'web', 'v1')}
${workload('web-v2', 'web', 'v2')}
${service('web', 'app: web')}
${service('web-v1', 'app: web, version: v1')}
${service('web-v2', 'app: web, version: v2')}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: v2-is-closed, namespace: shop }
spec:
  action: DENY
  selector: { matchLabels: { version: v2 } }
  rules: [{ to: [{ operation: { paths: [/inside*] } }] }]
---`;

const virtualService = (http: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], http: ${http} }
---`;

const httpRoute = (backend: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: web }]
  rules:
  - filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /inside } } }]
    backendRefs: [{ name: ${backend}, port: 80 }]
---`;

const waypoint = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: waypoint, namespace: shop }
spec: { gatewayClassName: istio-waypoint, listeners: [{ name: mesh, port: 15008, protocol: HBONE }] }
---`;

const sidecars = namespace('istio-injection: enabled');
const ambient = namespace('istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint');

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sidestep-can-i-routes-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The ways of `GET path` from `sleep` to `web`, before anything moves. */
function ways(path: string, ...manifests: string[]): string[] {
  const file = join(dir, 'mesh.yaml');
  writeFileSync(file, `---${mesh}${manifests.join('')}`.replaceAll(/---\s*(?=---)/g, '').replace(/---\s*$/, ''));
  const ask = { filename: [file], namespace: 'shop', from: 'shop/sleep', to: 'web:80', method: 'GET', path };
  const answer: CanI = canI({ ...ask, header: [], claim: [], at: 'Before', allSteps: false, output: 'json' });
  const [step] = answer.steps;
  const hops = step!.trace.map(
    ({ hop, enforcer, allowed, by }) => `${allowed ? 'yes' : 'no'} ${hop} ${enforcer}: ${by}`,
  );
  return [step!.allowed ? 'yes' : 'no', ...hops];
}

const none = 'no policy says anything';
const denied = 'DENY shop/v2-is-closed, rule 0';

describe('can-i with routes', () => {
  it('asks all pods where there are none', () => {
    expect(ways('/inside', sidecars)).toEqual([
      'no',
      `yes Sidecar Pod/shop/web-v1: ${none}`,
      `no Sidecar Pod/shop/web-v2: ${denied}`,
    ]);
  });

  it('asks the pods that the caller’s sidecar sends it to, for the path that they see', () => {
    const toV1 = virtualService('[{ route: [{ destination: { host: web, subset: v1 } }] }]');
    expect(ways('/inside', sidecars, toV1)).toEqual([
      'yes',
      'yes Sidecar Pod/shop/sleep: VirtualService shop/web, rule 0, sends it to web.shop:80 (version=v1)',
      `yes Sidecar Pod/shop/web-v1: ${none}`,
    ]);
    const rewritten = '{ rewrite: { uri: /inside }, route: [{ destination: { host: web, subset: v2 } }] }';
    expect(ways('/', sidecars, virtualService(`[${rewritten}]`))).toEqual([
      'no',
      'yes Sidecar Pod/shop/sleep: VirtualService shop/web, rule 0, sends it to web.shop:80 (version=v2)',
      `no Sidecar Pod/shop/web-v2: ${denied}`,
    ]);
  });

  it('tells every way where there are several', () => {
    const shares =
      '[{ route: [{ destination: { host: web, subset: v1 }, weight: 99 }, { destination: { host: web, subset: v2 }, weight: 1 }] }]';
    expect(ways('/inside', sidecars, virtualService(shares))).toEqual([
      'no',
      'yes Sidecar Pod/shop/sleep: VirtualService shop/web, rule 0, sends it to web.shop:80 (version=v1)',
      `yes Sidecar Pod/shop/web-v1: ${none}`,
      'yes Sidecar Pod/shop/sleep: VirtualService shop/web, rule 0, sends it to web.shop:80 (version=v2)',
      `no Sidecar Pod/shop/web-v2: ${denied}`,
    ]);
  });

  it('follows routes of waypoints for ambient callers', () => {
    expect(ways('/inside', ambient, waypoint, httpRoute('web-v1'))).toEqual([
      'yes',
      `yes Waypoint Gateway/shop/waypoint: ${none}`,
      'yes Waypoint Gateway/shop/waypoint: HTTPRoute shop/web, rule 0, sends it to web-v1.shop:80',
      `yes Ztunnel Pod/shop/web-v1: ${none}`,
    ]);
  });

  it('follows none where nobody carries them out', () => {
    const plain = namespace('istio.io/dataplane-mode: ambient');
    expect(ways('/', plain, httpRoute('web-v1'))).toEqual([
      'yes',
      `yes Ztunnel Pod/shop/web-v1: ${none}`,
      `yes Ztunnel Pod/shop/web-v2: ${none}`,
    ]);
  });

  it('says where a route ends', () => {
    expect(ways('/', sidecars, httpRoute('gone'))).toEqual([
      'no',
      'no Sidecar Pod/shop/sleep: HTTPRoute shop/web, rule 0, sends it to gone.shop, which is not there',
    ]);
    expect(ways('/', sidecars, virtualService('[{ directResponse: { status: 403 } }]'))).toEqual([
      'no',
      'no Sidecar Pod/shop/sleep: VirtualService shop/web, rule 0, answers 403',
    ]);
  });
});
