import { describe, expect, it } from 'vitest';
import type { Client } from '../kube/client.js';
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
const NAMESPACES = { Namespace: [injected('shop'), injected('other')] };

/** What a cluster with these objects answers, by kind. */
function clientOf(stored: Readonly<Record<string, readonly Stored[]>>): Client {
  const all = ({ kind }: ResourceType): readonly Stored[] => stored[kind] ?? [];
  const client = {
    get: (type: ResourceType, { name }: { name: string }) =>
      Promise.resolve(all(type).find(({ metadata }) => metadata.name === name)),
    list: (type: ResourceType, { namespace }: { namespace?: string } = {}) =>
      Promise.resolve({
        items: all(type).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
      }),
  };
  return client as unknown as Client;
}

const namesOf = async (stored: Readonly<Record<string, readonly Stored[]>>, namespace?: string): Promise<string[]> => {
  const found = await liveManifests(clientOf({ ...NAMESPACES, ...stored }), namespace);
  return found.filter(({ kind }) => kind !== 'Namespace').map(({ kind, metadata }) => `${kind}/${metadata.name}`);
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
    const { manifests, meshSettings, settings } = declaredMesh(await liveManifests(clientOf(stored), 'shop'), 'shop');
    const mesh = { objects: manifests, settings: meshSettings, rootNamespace: settings.rootNamespace };
    const { findings } = assess(mesh, { only: ['shop'] });
    expect(findings.map(({ code, object }) => `${code} ${object.kind}/${object.name}`)).toContain(
      'SST2035 Deployment/web',
    );
  });
});
