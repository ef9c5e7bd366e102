import { describe, expect, it } from 'vitest';
import type { Client } from '../kube/client.js';
import { ApiError } from '../kube/errors.js';
import type { ResourceType } from '../kube/resource.js';
import { assess } from '../mesh/assessment.js';
import { declaredMesh } from './declared-mesh.js';
import { liveManifests } from './live-manifests.js';

interface Stored {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly ownerReferences?: object[] };
}

const template = (app: string): object => ({ metadata: { labels: { app } }, spec: { containers: [{ name: app }] } });
const of = (name: string, spec: object, namespace = 'shop', owner?: string): Stored & { readonly spec: object } => ({
  metadata: { name, namespace, ...(owner && { ownerReferences: [{ kind: owner, name: 'x' }] }) },
  spec,
});
const injected = (name: string): Stored => {
  const metadata = { name, labels: { 'istio-injection': 'enabled' } };
  return { metadata };
};
const NO_OTHERS = { '/apis': { groups: [] } };
const NAMESPACES = { Namespace: [injected('shop'), injected('other')] };

/** What a cluster with these objects answers, by kind; documents of its discovery by their paths. Kinds of nothing are refused. */
function clientOf(
  stored: Readonly<Record<string, readonly Stored[]>>,
  documents: Readonly<Record<string, object>> = {},
): Client {
  const all = ({ kind }: ResourceType): readonly Stored[] => stored[kind] ?? [];
  const refused = (what: string): Promise<never> =>
    Promise.reject(new ApiError(`${what}: 403 Forbidden`, { code: 403, reason: 'Forbidden' }));
  const client = {
    get: (type: ResourceType, { name }: { name: string }) =>
      Promise.resolve(all(type).find(({ metadata }) => metadata.name === name)),
    getJson: (path: string) => (path in documents ? Promise.resolve(documents[path]) : refused(`get ${path}`)),
    list: (type: ResourceType, { namespace }: { namespace?: string } = {}) =>
      type.group.includes('calico') && !stored[type.kind]
        ? refused(`list ${type.plural}`)
        : Promise.resolve({
            items: all(type).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
          }),
  };
  return client as unknown as Client;
}

const namesOf = async (stored: Readonly<Record<string, readonly Stored[]>>, namespace?: string): Promise<string[]> => {
  const { manifests } = await liveManifests(clientOf({ ...NAMESPACES, ...stored }, NO_OTHERS), namespace);
  return manifests.filter(({ kind }) => kind !== 'Namespace').map(({ kind, metadata }) => `${kind}/${metadata.name}`);
};

describe('the objects of a cluster', () => {
  it('leave out what others among them make, and nothing that somebody’s operator makes', async () => {
    const spec = { template: template('a') };
    const stored = {
      StatefulSet: [of('db', spec, 'shop', 'postgresql')],
      Rollout: [of('canary', spec)],
      Job: [of('nightly-1', spec, 'shop', 'CronJob'), of('once', spec)],
      Pod: [
        of('web-1', { containers: [] }, 'shop', 'ReplicaSet'),
        of('pool-1', { containers: [] }, 'shop', 'PodSet'),
        of('static', { containers: [] }, 'shop', 'Node'),
      ],
      PodDisruptionBudget: [of('web', {}), of('elsewhere', {}, 'other')],
    };
    expect(await namesOf(stored, 'shop')).toEqual([
      'StatefulSet/db',
      'Rollout/canary',
      'Job/once',
      'PodDisruptionBudget/web',
      'Pod/pool-1',
    ]);
  });

  it('are of one namespace, and workloads of all: these may call it', async () => {
    const rules = [{ to: [{ operation: { paths: ['/headers'] } }] }];
    const policy = of('p', { selector: { matchLabels: { app: 'web' } }, action: 'DENY', rules });
    const ports = [{ name: 'http', port: 80 }];
    const stored = {
      ...NAMESPACES,
      Deployment: [of('web', { template: template('web') }), of('sleep', { template: template('sleep') }, 'other')],
      Service: [of('web', { clusterIP: '10.96.0.1', selector: { app: 'web' }, ports })],
      AuthorizationPolicy: [policy],
    };
    const live = await liveManifests(clientOf(stored, NO_OTHERS), 'shop');
    const { manifests, meshSettings, settings } = declaredMesh(live.manifests, 'shop');
    const mesh = { objects: manifests, settings: meshSettings, rootNamespace: settings.rootNamespace };
    const { findings } = assess(mesh, { only: ['shop'] });
    expect(findings.map(({ code, object }) => `${code} ${object.kind}/${object.name}`)).toContain(
      'SST2035 Deployment/web',
    );
  });

  it('are policies of all namespaces: two may wait for each other', async () => {
    const rules = [{ to: [{ operation: { paths: ['/headers'] } }] }];
    const policy = (namespace: string): Stored => of('p', { action: 'DENY', rules }, namespace);
    const service = (namespace: string): Stored =>
      of('web', { clusterIP: '10.96.0.1', selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] }, namespace);
    const stored = {
      ...NAMESPACES,
      Deployment: [of('web', { template: template('web') }), of('web', { template: template('web') }, 'other')],
      Service: [service('shop'), service('other')],
      AuthorizationPolicy: [policy('shop'), policy('other')],
    };
    const found = async (): Promise<string[]> => {
      const live = await liveManifests(clientOf(stored, NO_OTHERS), 'shop');
      const { manifests, meshSettings, settings } = declaredMesh(live.manifests, 'shop');
      const mesh = { objects: manifests, settings: meshSettings, rootNamespace: settings.rootNamespace };
      return assess(mesh, { only: ['shop'] }).findings.map(
        ({ code, object }) => `${code} ${object.kind}/${object.name}`,
      );
    };
    expect(await found()).toContain('SST2048 Namespace/other');
    stored.AuthorizationPolicy = [policy('shop')];
    const alone = await found();
    expect(alone).not.toContain('SST2048 Namespace/other');
    expect(alone).toContain('SST2035 Deployment/web');
  });

  it('are the pods, too, that EndpointSlices list which nobody has made of a selector', async () => {
    const pod = (name: string, ip: string): Stored => ({
      ...of(name, { containers: [] }, 'shop', 'ReplicaSet'),
      ...{ status: { podIPs: [{ ip }] } },
    });
    const endpoints = [{ addresses: ['10.0.0.2'] }, { addresses: [], targetRef: { kind: 'Pod', name: 'web-1' } }];
    const stored = {
      EndpointSlice: [{ ...of('legacy', {}), endpoints }],
      Pod: [pod('web-1', '10.0.0.1'), pod('web-2', '10.0.0.2'), pod('web-3', '10.0.0.3')],
    };
    expect(await namesOf(stored, 'shop')).toEqual(['EndpointSlice/legacy', 'Pod/web-1', 'Pod/web-2']);
  });

  describe('of network policies of others', () => {
    const served = (...kinds: [apiVersion: string, kind: string, namespaced?: boolean][]): Record<string, object> => {
      const versions = [...new Set(kinds.map(([apiVersion]) => apiVersion))];
      const groups = [...new Set(versions.map((one) => one.split('/')[0]!))].map((name) => {
        const own = versions.filter((one) => one.startsWith(`${name}/`)).map((groupVersion) => ({ groupVersion }));
        return { name, preferredVersion: own.at(-1), versions: own };
      });
      const documents = versions.map((apiVersion) => {
        const resources = kinds
          .filter(([one]) => one === apiVersion)
          .map(([, kind, namespaced = true]) => ({ name: kind.toLowerCase(), kind, namespaced, verbs: ['list'] }));
        return [`/apis/${apiVersion}`, { resources }];
      });
      return { '/apis': { groups }, ...Object.fromEntries(documents) };
    };
    const cluster = (name: string): Stored => ({ metadata: { name } });
    const live = async (
      stored: Record<string, Stored[]>,
      documents: Record<string, object>,
    ): Promise<{ found: string[]; warnings: readonly string[] }> => {
      const { manifests, warnings } = await liveManifests(clientOf({ ...NAMESPACES, ...stored }, documents), 'shop');
      const found = manifests.flatMap(({ apiVersion, kind, metadata }) =>
        kind === 'Namespace' ? [] : [`${apiVersion} ${kind}/${metadata.name}`],
      );
      return { found, warnings };
    };

    it('are those of the kinds that it has, each once, of the namespace or of the whole cluster', async () => {
      const stored = {
        CiliumNetworkPolicy: [of('own', {}), of('elsewhere', {}, 'other')],
        CiliumClusterwideNetworkPolicy: [cluster('all')],
        GlobalNetworkPolicy: [cluster('calico')],
        CiliumEndpoint: [of('web-1', {})],
      };
      const documents = served(
        ['cilium.io/v2alpha1', 'CiliumNetworkPolicy'],
        ['cilium.io/v2', 'CiliumNetworkPolicy'],
        ['cilium.io/v2', 'CiliumClusterwideNetworkPolicy', false],
        ['cilium.io/v2', 'CiliumEndpoint'],
        ['crd.projectcalico.org/v1', 'GlobalNetworkPolicy', false],
        ['projectcalico.org/v3', 'GlobalNetworkPolicy', false],
      );
      expect(await live(stored, documents)).toEqual({
        found: [
          'cilium.io/v2 CiliumNetworkPolicy/own',
          'cilium.io/v2 CiliumClusterwideNetworkPolicy/all',
          'projectcalico.org/v3 GlobalNetworkPolicy/calico',
        ],
        warnings: [],
      });
    });

    it.each<[string, Record<string, object>, RegExp]>([
      [
        'kinds',
        served(['projectcalico.org/v3', 'NetworkPolicy'], ['projectcalico.org/v3', 'GlobalNetworkPolicy', false]),
        /list networkpolicy: 403 Forbidden \(and 1 more\)/,
      ],
      [
        'a group',
        { '/apis': served(['cilium.io/v2', 'CiliumNetworkPolicy'])['/apis']! },
        /get \/apis\/cilium.io\/v2: 403/,
      ],
      ['what there is', {}, /get \/apis: 403/],
    ])('are left out with one hint where it does not show %s', async (_, documents, message) => {
      expect(await live({}, documents)).toEqual({ found: [], warnings: [expect.stringMatching(message)] });
    });
  });
});
