import { describe, expect, it } from 'vitest';
import { smallSettings } from '../../test/support/small-mesh.js';
import { callerKind, hasMode, moveMesh } from './move-mesh.js';
import type { PictureObjects } from './picture.js';
import type { PolicyObject } from './policy-object.js';

type Fields = Readonly<Record<string, unknown>>;

const made = (kind: string, name: string, namespace: string | undefined, rest: Fields = {}): PolicyObject => {
  const { metadata = {}, ...others } = rest;
  return { kind, metadata: { name, namespace, ...(metadata as object) }, ...others };
};
const namespace = (name: string, labels: Fields = { 'istio-injection': 'enabled' }): PolicyObject =>
  made('Namespace', name, undefined, { metadata: { labels } });
const deployment = (name: string, inNamespace = 'shop'): PolicyObject =>
  made('Deployment', name, inNamespace, {
    spec: { template: { metadata: { labels: { app: name } }, spec: { serviceAccountName: name, containers: [{}] } } },
  });

interface Given {
  readonly inNamespace?: string;
  readonly account?: string;
  readonly mode?: 'sidecar' | 'old sidecar' | 'ambient' | 'none';
  readonly ip?: string;
  readonly labels?: Fields;
  readonly owner?: string;
  readonly isReady?: boolean;
}

/** A live pod. */
function pod(name: string, given: Given = {}): PolicyObject {
  const { inNamespace = 'shop', account = 'web', mode = 'sidecar', ip = '10.0.0.1', labels = {} } = given;
  const { owner = 'web-7d9f', isReady = true } = given;
  const hasProxy = mode.endsWith('sidecar');
  return made('Pod', name, inNamespace, {
    metadata: {
      labels: {
        app: 'web',
        'pod-template-hash': '7d9f',
        ...labels,
        ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }),
      },
      annotations: {
        ...(hasProxy && { 'sidecar.istio.io/status': '' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
      ownerReferences: [{ kind: 'ReplicaSet', name: owner, controller: true }],
    },
    spec: {
      serviceAccountName: account,
      containers: [{ name: 'app' }, ...(hasProxy ? [{ name: 'istio-proxy' }] : [])],
    },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  });
}

const blocks = (...ipBlocks: string[]): PolicyObject =>
  made('AuthorizationPolicy', 'blocks', 'shop', { spec: { rules: [{ from: [{ source: { ipBlocks } }] }] } });

const scope = { namespace: 'shop', waypoint: undefined, settings: smallSettings };
const mesh = (...objects: PolicyObject[]): PictureObjects => moveMesh([namespace('shop'), ...objects], scope);
const podsOf = ({ pods }: PictureObjects): string[] => pods.map((one) => `${one.metadata.name} ${callerKind(one)}`);

describe('the mesh of a migration', () => {
  it('is the same however many pods there are, and in whatever order', () => {
    const web = deployment('web');
    const three = ['a', 'b', 'c'].map((name, index) => pod(`web-7d9f-${name}`, { ip: `10.0.0.${index + 1}` }));
    expect(podsOf(mesh(web))).toEqual(['web shop/web sidecar true false']);
    expect(mesh(web, ...three)).toEqual(mesh(web));
    expect(mesh(...three.reverse(), web)).toEqual(mesh(web));
    expect(mesh(web, blocks('10.0.0.0/8'), ...three)).toEqual(mesh(web, blocks('10.0.0.0/8'), three[0]!));
  });

  it('has the addresses of pods that were left out, for they are like others', () => {
    const blocked = blocks('10.1.0.0/16');
    const [near, far] = [pod('a', { ip: '10.2.0.5' }), pod('b', { ip: '10.1.0.5' })];
    const whole = mesh(deployment('web'), blocked, near, far);
    const addresses = (): string[] => ['10.2.0.5', '10.1.0.5'];
    const of = (...objects: PolicyObject[]): PictureObjects =>
      moveMesh([namespace('shop'), deployment('web'), blocked, ...objects], { ...scope, addresses });
    expect(of(near)).toEqual(whole);
    expect(of(far)).toEqual(whole);
    expect(mesh(deployment('web'), blocked, near)).not.toEqual(whole);
  });

  it('has pods that no template makes, and those that are not as their template says', () => {
    const old = pod('web-7d9f-a', { mode: 'old sidecar' });
    expect(podsOf(mesh(deployment('web'), old))).toEqual([
      'web shop/web sidecar true false',
      'web-7d9f shop/web sidecar false false',
    ]);
    const job = (run: number): PolicyObject =>
      pod(`batch-${run}-x`, { account: 'batch', owner: 'batch', labels: { 'job-name': `batch-${run}` } });
    expect(podsOf(mesh(job(1), job(2)))).toEqual(['batch shop/batch sidecar true false']);
  });

  it('does not take a pod that is about to be captured for one outside the mesh', () => {
    const coming = pod('web-7d9f-a', { mode: 'none', isReady: false });
    expect(hasMode(coming as never)).toBe(false);
    expect(podsOf(mesh(deployment('web'), coming))).toEqual(podsOf(mesh(deployment('web'))));
  });

  it('has one caller for each data plane elsewhere, by templates and live pods', () => {
    const other = namespace('other', { 'istio.io/dataplane-mode': 'ambient' });
    const there = mesh(
      other,
      deployment('web', 'other'),
      ...['a', 'b'].map((name) => pod(name, { inNamespace: 'other', mode: 'ambient' })),
      pod('c', { inNamespace: 'other' }),
    );
    expect(podsOf(there)).toEqual(['web-7d9f other/web sidecar true false', 'web other/web ambient false false']);
  });

  it('has one caller for all accounts elsewhere that no policy tells apart', () => {
    const elsewhere = ['a', 'b', 'c'].map((name) => deployment(name, 'other'));
    const from = (...principals: string[]): PolicyObject =>
      made('AuthorizationPolicy', 'from', 'shop', { spec: { rules: [{ from: [{ source: { principals } }] }] } });
    const names = (...objects: PolicyObject[]): string[] =>
      mesh(namespace('other'), ...elsewhere, ...objects).pods.map(({ metadata }) => metadata.name);
    expect(names()).toEqual(['a']);
    expect(names(from('cluster.local/ns/other/sa/b'))).toEqual(['a', 'b']);
    expect(names(from('cluster.local/ns/other/sa/*'))).toEqual(['a']);
    expect(names(from('cluster.local/ns/other/sa/b', '*/sa/c'))).toEqual(['a', 'b', 'c']);
  });

  it('gives each pod the addresses that pods have, as far as policies tell them apart', () => {
    const addresses = (...objects: PolicyObject[]): string[] =>
      mesh(deployment('web'), ...objects).pods.map(({ status }) => status?.podIPs?.[0]?.ip ?? '');
    expect(addresses(pod('web-7d9f-a'))).toEqual(['240.0.0.1']);
    expect(addresses(blocks('192.0.2.0/24'), pod('web-7d9f-a'))).toEqual(['240.0.0.1']);
    expect(addresses(blocks('10.0.0.0/8'), pod('web-7d9f-a'))).toEqual(['10.0.0.0']);
    const both = [pod('web-7d9f-a'), pod('web-7d9f-b', { ip: '10.9.0.1' })];
    expect(addresses(blocks('10.0.0.0/16'), ...both)).toEqual(['240.0.0.1', '10.0.0.0']);
  });

  it('leaves out what is elsewhere, unless it is the waypoint, or holds for all', () => {
    const policy = (inNamespace: string): PolicyObject => made('AuthorizationPolicy', inNamespace, inNamespace);
    const service = (inNamespace: string): PolicyObject => made('Service', inNamespace, inNamespace);
    const all = ['shop', 'edge', 'other', 'istio-system'].flatMap((name) => [policy(name), service(name)]);
    const names = (of: readonly { metadata: { name: string } }[]): string[] => of.map(({ metadata }) => metadata.name);
    const here = mesh(...all);
    expect([names(here.authorizationPolicies), names(here.services)]).toEqual([['istio-system', 'shop'], ['shop']]);
    const behind = moveMesh(all, { ...scope, waypoint: { namespace: 'edge', name: 'waypoint' } });
    expect(names(behind.authorizationPolicies)).toEqual(['edge', 'istio-system', 'shop']);
    expect(names(behind.services)).toEqual(['edge', 'shop']);
  });

  it('takes no waypoint for a caller', () => {
    const gateway = made('Gateway', 'wp', 'other', { spec: { listeners: [{ protocol: 'HBONE', port: 15008 }] } });
    const proxy = pod('wp-1', {
      inNamespace: 'other',
      mode: 'none',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'wp' },
    });
    expect(podsOf(mesh(gateway, proxy))).toEqual([]);
    expect(podsOf(mesh(proxy))).toHaveLength(1);
  });
});
