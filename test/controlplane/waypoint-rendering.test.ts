import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import type { Manifest } from '../../cdk8s/objects.js';
import { waypoint } from '../../cdk8s/waypoint.js';
import type { Parameters } from '../../cdk8s/waypoint-parameters.js';
import type { Gateway } from '../../src/api/gateway-api.js';
import { type Condition, findCondition } from '../../src/kube/conditions.js';
import { configMapsOf, waypointInputs, withProxyConfigs } from '../../src/mesh/waypoint-inputs.js';
import { isKnownTemplate } from '../../src/mesh/waypoint-template.js';
import { Server } from '../conformance/server.js';
import { yaml } from '../support/fixtures.js';
import { applications, gateways } from '../support/many-waypoints.js';
import { OperatorProcess } from '../support/operator.js';
import { until } from '../support/until.js';
import { build } from './build.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { kubectl } from './kubectl.js';
import { type WaypointCase, waypointCases } from './waypoint-cases.js';
import { chosen, expectedOf, type LiveObject, unusedDifferences } from './waypoint-differences.js';

/*
 * Ours against istiod's, object by object, after the API server has filled in its defaults: istiod applies what it renders
 * for a Gateway; ours, rendered from the same Gateway and ConfigMaps, goes through a dry run in another namespace.
 */

const root = mkdtempSync(join(tmpdir(), 'sidestep-waypoint-'));
const rootNamespace = 'istio-system';
const name = 'waypoint';
/** Where ours is applied in a dry run: the names are istiod's, so the namespace cannot be. */
const elsewhere = 'dry-runs';
const paths: Record<string, string> = {
  ServiceAccount: '/api/v1/namespaces/NS/serviceaccounts/',
  Deployment: '/apis/apps/v1/namespaces/NS/deployments/',
  Service: '/api/v1/namespaces/NS/services/',
  HorizontalPodAutoscaler: '/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers/',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets/',
};
const always = ['ServiceAccount', 'Deployment', 'Service'];

let controlPlane: ControlPlane;
let server: Server;
let namespace: string;
let configMaps: Record<string, LiveObject>;

beforeAll(async () => {
  await build({ log: (line) => console.log(line) });
  controlPlane = await startControlPlane({ dir: join(root, 'cp'), log: (line) => console.log(line) });
  server = new Server(controlPlane.kubeconfig);
  await create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: elsewhere } });
  const names = Object.values(configMapsOf('default'));
  configMaps = Object.fromEntries(await Promise.all(names.map(async (name) => [name, (await configMap(name)).data])));
}, 900_000);

afterAll(async () => {
  server?.close();
  await controlPlane?.stop();
  rmSync(root, { recursive: true, force: true });
});

beforeEach(async () => {
  namespace = await server.namespace();
});

afterEach(async () => {
  await server.delete(`/api/v1/namespaces/${namespace}`);
  await server.delete(`/api/v1/namespaces/${rootNamespace}/configmaps/class-defaults`);
  await server.delete(`/apis/networking.istio.io/v1beta1/namespaces/${rootNamespace}/proxyconfigs`);
  for (const [map, data] of Object.entries(configMaps)) await setData(map, data);
});

async function create(path: string, object: object): Promise<LiveObject> {
  const answer = await server.post(path, object);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.text}`);
  return answer.body;
}

/** The object; undefined if there is none. */
async function read(path: string): Promise<LiveObject> {
  const { status, body } = await server.get(path);
  return status === 200 ? body : undefined;
}

const configMap = (map: string): Promise<LiveObject> => read(`/api/v1/namespaces/${rootNamespace}/configmaps/${map}`);

async function setData(map: string, data: Record<string, string>): Promise<void> {
  const path = `/api/v1/namespaces/${rootNamespace}/configmaps/${map}`;
  const answer = await server.patch('merge', path, { data });
  expect(answer.status, answer.text).toBe(200);
}

/** Creates what surrounds the Gateway, and then the Gateway. */
async function prepare(of: WaypointCase): Promise<void> {
  const { mesh, injector } = configMapsOf('default');
  if (of.mesh) await setData(mesh, { mesh: stringify(overlaid(parse(configMaps[mesh].mesh), of.mesh)) });
  if (of.values) {
    await setData(injector, { values: JSON.stringify(overlaid(parse(configMaps[injector].values), of.values)) });
  }
  const configMapIn = (where: string, metadata: object, data: object): Promise<unknown> =>
    create(`/api/v1/namespaces/${where}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  if (of.parameters) await configMapIn(namespace, { name: 'options' }, of.parameters);
  if (of.classDefaults) {
    const labels = { 'gateway.istio.io/defaults-for-class': 'istio-waypoint' };
    await configMapIn(rootNamespace, { name: 'class-defaults', labels }, of.classDefaults);
  }
  for (const [index, { namespace: where, spec }] of (of.proxyConfigs ?? []).entries()) {
    const path = `/apis/networking.istio.io/v1beta1/namespaces/${where === 'own' ? namespace : rootNamespace}/proxyconfigs`;
    const metadata = { name: `config-${index}` };
    await create(path, { apiVersion: 'networking.istio.io/v1beta1', kind: 'ProxyConfig', metadata, spec });
  }
  await create(`/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways`, {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name, labels: of.labels, annotations: of.annotations },
    spec: {
      gatewayClassName: 'istio-waypoint',
      listeners: [{ name: of.listener ?? 'mesh', port: 15008, protocol: 'HBONE' }],
      addresses: of.addresses,
      infrastructure: {
        ...of.infrastructure,
        ...(of.parameters && { parametersRef: { group: '', kind: 'ConfigMap', name: 'options' } }),
      },
    },
  });
}

/** Ours, from the Gateway and the ConfigMaps as they are in the cluster. */
async function ours(of: WaypointCase, revision = 'default'): Promise<Manifest[]> {
  const maps = configMapsOf(revision);
  const mesh = await configMap(maps.mesh);
  const injector = await configMap(maps.injector);
  const gateway = (await read(
    `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways/${name}`,
  )) as Gateway;
  const proxyConfigs = await read('/apis/networking.istio.io/v1beta1/proxyconfigs');
  const inputs = withProxyConfigs(
    waypointInputs(parse(mesh.data.mesh), parse(injector.data.values)),
    proxyConfigs.items,
    { name, namespace },
  );
  const parsed = (source: string, data: Record<string, string>): Parameters => ({
    source,
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, parse(text)])),
  });
  const parameters = [
    ...(of.classDefaults ? [parsed('class defaults', of.classDefaults)] : []),
    ...(of.parameters ? [parsed('options', of.parameters)] : []),
  ];
  return waypoint({ gateway, inputs, parameters });
}

/** What the API server would make of ours, as if it stood in the Gateway's namespace. */
async function applied(object: Manifest): Promise<LiveObject> {
  const body = JSON.parse(JSON.stringify(object).replaceAll(namespace, elsewhere)) as Manifest;
  const path = `${paths[object.kind]!.replace('NS', elsewhere)}${object.metadata.name}`;
  const query = { dryRun: 'All', force: true, fieldValidation: 'Strict' };
  const answer = await server.apply(path, body, 'sidestep', query);
  expect(answer.status, answer.text).toBe(201);
  return chosen(JSON.parse(JSON.stringify(answer.body).replaceAll(elsewhere, namespace)));
}

/** What should be equal: by kind, what istiod applied and what ours came to. */
async function compared(of: WaypointCase, revision = 'default'): Promise<{ istiods: LiveObject; ours: LiveObject }> {
  const rendered = await ours(of, revision);
  const kinds = rendered.map(({ kind }) => kind);
  expect(kinds).toEqual([...always, ...(of.also ?? [])]);
  const pairs = rendered.map(async (object) => {
    const istiods = await read(`${paths[object.kind]!.replace('NS', namespace)}${object.metadata.name}`);
    return [object.kind, istiods && expectedOf(istiods), await applied(object)] as const;
  });
  const all = await Promise.all(pairs);
  return {
    istiods: Object.fromEntries(all.map(([kind, istiods]) => [kind, istiods])),
    ours: Object.fromEntries(all.map(([kind, , own]) => [kind, own])),
  };
}

function overlaid(base: LiveObject, over: LiveObject): LiveObject {
  if (typeof over !== 'object' || over === null || Array.isArray(over) || typeof base !== 'object') return over;
  const keys = Object.entries(over).map(([key, value]) => [key, overlaid(base?.[key] ?? {}, value)]);
  return { ...base, ...Object.fromEntries(keys) };
}

describe('a waypoint of ours is that of istiod for', () => {
  test.each(waypointCases)('$title', async (of) => {
    await prepare(of);
    // istiod takes a moment to read changed ConfigMaps, and to render.
    await until('equal objects', async () => {
      const { istiods, ours } = await compared(of);
      return isDeepStrictEqual(istiods, ours) || undefined;
    }).catch(() => undefined);
    const { istiods, ours } = await compared(of);
    expect(ours).toEqual(istiods);
  });

  test('all cases together, with no difference explained in vain', () => {
    expect(unusedDifferences()).toEqual([]);
  });
});

describe('a second revision', () => {
  const revision = 'canary';
  const tag = '1.31.0-canary';
  const labels = { 'istio.io/rev': revision };
  let operator: OperatorProcess;

  beforeAll(async () => {
    await controlPlane.startRevision(revision, { 'global.tag': tag, 'meshConfig.trustDomain': 'canary.example.org' });
    operator = await OperatorProcess.create({ dir: controlPlane.dir, kubeconfig: controlPlane.operatorKubeconfig });
    await operator.start();
  });

  afterAll(() => operator?.stop());

  test('gives its own values, to us as to its istiod', async () => {
    await prepare({ title: '', labels });
    const of = { title: '' };
    await until('equal objects', async () => {
      const { istiods, ours } = await compared(of, revision);
      return isDeepStrictEqual(istiods, ours) || undefined;
    }).catch(() => undefined);
    const { istiods, ours: own } = await compared(of, revision);
    expect(own).toEqual(istiods);
    const { image, env } = proxyOf(own['Deployment']);
    expect(image).toContain(`:${tag}-`);
    expect(env).toContainEqual({ name: 'CA_ADDR', value: 'istiod-canary.istio-system.svc:15012' });
    expect(env).toContainEqual({ name: 'TRUST_DOMAIN', value: 'canary.example.org' });
  });

  test('serves Gateways of class istio from them, and a changed tag restarts these and no others', async () => {
    await createAll(...applications(namespace, 2).slice(1));
    const [canary, other] = gateways(namespace, 2) as Gateway[];
    await createAll({ ...canary!, metadata: { ...canary!.metadata, labels } }, other!);
    await until('both are bound', async () => {
      const bound = await Promise.all([0, 1].map(async (app) => waypointBound(`app-${app}`)));
      return bound.every(Boolean) || undefined;
    });
    const before = await deployment(other!.metadata.name);
    expect(proxyOf(await deployment(canary!.metadata.name)).image).toContain(`:${tag}-`);
    expect(proxyOf(before).image).not.toContain(tag);
    const { injector } = configMapsOf(revision);
    const { data } = await configMap(injector);
    const values = overlaid(JSON.parse(data.values as string), { global: { tag: '9' } });
    await setData(injector, { values: JSON.stringify(values) });
    await until(
      'the changed tag',
      async () => proxyOf(await deployment(canary!.metadata.name)).image.includes(':9-') || undefined,
    );
    const { metadata } = await deployment(other!.metadata.name);
    expect(metadata.generation).toBe(before.metadata.generation);
  });

  const deployment = (of: string): Promise<LiveObject> => read(`${paths['Deployment']!.replace('NS', namespace)}${of}`);
  const proxyOf = ({ spec }: LiveObject): LiveObject => spec.template.spec.containers[0];

  async function waypointBound(service: string): Promise<boolean> {
    const { status } = await read(`${paths['Service']!.replace('NS', namespace)}${service}`);
    return findCondition<Condition>(status.conditions, 'istio.io/WaypointBound')?.status === 'True';
  }

  const createAll = (...objects: object[]): Promise<string> =>
    kubectl(controlPlane, ['create', '-f', '-'], yaml(...objects));
});

test('the template of this Istio is known', async () => {
  const { data } = await configMap(configMapsOf('default').injector);
  expect(isKnownTemplate(parse(data.config).templates.waypoint)).toBe(true);
});
