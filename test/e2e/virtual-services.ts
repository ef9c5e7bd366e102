import { expect, it, onTestFinished } from 'vitest';
import { HTTP_ROUTE } from '../../src/api/gateway-api.js';
import { DESTINATION_RULE, VIRTUAL_SERVICE } from '../../src/api/istio.js';
import { OWN_ANNOTATION } from '../../src/api/own-labels.js';
import type { KubeObject } from '../../src/kube/resource.js';
import { SERVICE } from '../../src/kube/types.js';
import { asRecord, asRecords } from '../../src/mesh/policy-object.js';
import { OPERATOR_USER, writesTo } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { listedFindings } from '../support/listed-findings.js';
import { namespaceState } from '../support/namespace-state.js';

const WAYPOINT = { waypoint: { replicas: { min: 1, max: 1 } } };
const WATCHED_MS = 5_000;

const networking = (kind: string, inNamespace: string, name: string, spec: object): object => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: inNamespace },
  spec,
});

/** Most requests go to the first version; who says so, and a part of the others, to the second. */
const canary = (inNamespace: string, share: number): object =>
  networking('VirtualService', inNamespace, 'canary', {
    hosts: ['web'],
    http: [
      {
        match: [{ headers: { 'x-canary': { exact: 'yes' } } }],
        route: [{ destination: { host: 'web', subset: 'v2' } }],
      },
      {
        route: [
          { destination: { host: 'web', subset: 'v1' }, weight: 100 - share },
          { destination: { host: 'web', subset: 'v2' }, weight: share },
        ],
        timeout: '3s',
      },
    ],
  });

const versions = (inNamespace: string): object[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: inNamespace },
    spec: { selector: { tier: 'web' }, ports: [{ name: 'http', port: 8000, targetPort: 80 }] },
  },
  networking('DestinationRule', inNamespace, 'web', {
    host: 'web',
    trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } } },
    subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })),
  }),
  ...['v1', 'v2'].map((version) => deployment(inNamespace, `web-${version}`, { labels: { tier: 'web', version } })),
];

/** Namespaces whose VirtualServices a waypoint has to carry out. */
export function virtualServices(cluster: () => Cluster): void {
  /** `Kind/name` of what the migration has written beside them. */
  const written = async (name: string): Promise<KubeObject[]> => {
    const all: KubeObject[] = [];
    for (const type of [SERVICE, DESTINATION_RULE, HTTP_ROUTE])
      all.push(...(await cluster().client.list<KubeObject>(type, { namespace: name })).items);
    return all.filter(({ metadata }) => metadata.annotations?.[OWN_ANNOTATION.translatedFrom] !== undefined);
  };
  /** Also after a failure, which would be that of many others: all namespaces hear of what is routed. */
  const clear = async (name: string): Promise<void> => {
    for (const type of [VIRTUAL_SERVICE, DESTINATION_RULE])
      for (const { metadata } of (await cluster().client.list<KubeObject>(type, { namespace: name })).items)
        await cluster().client.delete(type, { namespace: name, name: metadata.name });
  };
  const routed = async (name: string): Promise<unknown[]> => {
    const route = await cluster().client.get<KubeObject>(HTTP_ROUTE, { namespace: name, name: 'canary' });
    return asRecords(asRecord((route as { spec?: unknown }).spec)['rules']).map(
      ({ matches, backendRefs, timeouts }) => [
        asRecords(asRecords(matches)[0]?.['headers'])
          .map(({ value }) => value)
          .join(),
        asRecords(backendRefs)
          .map(({ name: backend, weight }) => `${String(backend)} ${String(weight)}`)
          .join(', '),
        asRecord(timeouts)['request'],
      ],
    );
  };

  /** @throws {Error} istiod has not spoken of the HTTPRoute as it is; says what is there */
  const spokenOf = async (name: string): Promise<true> => {
    const route = await cluster().client.get<KubeObject>(HTTP_ROUTE, { namespace: name, name: 'canary' });
    const { metadata, status } = route as { metadata: { generation?: number }; status?: unknown };
    const conditions = asRecords(asRecord(status)['parents']).flatMap((each) => asRecords(each['conditions']));
    if (conditions.length > 0 && conditions.every((each) => each['observedGeneration'] === metadata.generation))
      return true;
    throw new Error(JSON.stringify({ metadata, status }));
  };

  it('become HTTPRoutes and Services for their subsets, follow them, and leave nothing behind', async () => {
    const name = 'routed';
    onTestFinished(() => clear(name));
    await cluster().apply(yaml(namespace(name), ...versions(name), canary(name, 10)));
    await cluster().podsReady(name, 2);
    const before = await namespaceState(cluster().client, name);

    await cluster().migrate(name, WAYPOINT);
    await cluster().ready(name, 'Migrated');
    const listed = await listedFindings(cluster(), name);
    expect(listed?.map(({ code, object }) => `${code} ${object}`)).toEqual(
      expect.arrayContaining(['SST3030 VirtualService/canary', 'SST3031 DestinationRule/web']),
    );
    expect((await written(name)).map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      'Service/web-v1',
      'Service/web-v2',
      'DestinationRule/web-v1',
      'DestinationRule/web-v2',
      'HTTPRoute/canary',
    ]);
    expect(await routed(name)).toEqual([
      ['yes', 'web-v2 1', undefined],
      ['', 'web-v1 90, web-v2 10', '3s'],
    ]);
    const [service] = await written(name);
    expect(service).toMatchObject({
      metadata: { labels: { 'istio.io/use-waypoint': 'none' } },
      spec: { selector: { tier: 'web', version: 'v1' } },
    });
    const route = await cluster().client.get<KubeObject>(HTTP_ROUTE, { namespace: name, name: 'canary' });
    const madeMs = ({ metadata }: KubeObject | undefined = route): number =>
      Date.parse(metadata.creationTimestamp ?? '');
    expect(madeMs(route) - madeMs(service)).toBeGreaterThanOrEqual(9_000);

    // A canary goes on while the namespace is in ambient mode.
    await cluster().apply(yaml(canary(name, 50)));
    await cluster().until('the HTTPRoute follows', async () => {
      const [, [, backends] = []] = (await routed(name)) as string[][];
      return backends === 'web-v1 50, web-v2 50' ? true : undefined;
    });
    await cluster().until('istiod takes the change', () => spokenOf(name));
    // For a moment the status is still that of before the change.
    await cluster().time.sleep(WATCHED_MS);
    await cluster().ready(name, 'Migrated');
    const from = cluster().audit().length;
    await cluster().time.sleep(WATCHED_MS);
    const writes = writesTo(cluster().audit().slice(from), name).map(({ requestURI }) => requestURI);
    // What ztunnel knows of the namespace is written every 10 s at the most.
    expect(writes.filter((uri) => !uri.includes('/configmaps/sidestep-ztunnel'))).toEqual([]);

    const back = cluster().audit().length;
    await cluster().migrate(name, { dataplaneMode: 'Sidecar', ...WAYPOINT });
    await cluster().ready(name, 'RolledBack');
    const deletedMs = (resource: string): number[] =>
      cluster()
        .audit()
        .slice(back)
        .filter(({ verb, objectRef }) => verb === 'delete' && objectRef?.namespace === name)
        .filter(({ objectRef, user }) => objectRef?.resource === resource && user.username === OPERATOR_USER)
        .map(({ stageTimestamp }) => Date.parse(stageTimestamp));
    // Proxies know that nothing names them.
    const [routeMs = 0] = deletedMs('httproutes');
    for (const type of ['services', 'destinationrules'])
      expect(deletedMs(type).filter((ms) => ms - routeMs < 9_000)).toEqual([]);
    expect(deletedMs('services')).toHaveLength(2);
    await cluster().podsReady(name, 2);
    expect(await written(name)).toEqual([]);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
    const { items } = await cluster().client.list<KubeObject>(VIRTUAL_SERVICE, { namespace: name });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['canary']);
  });

  it('stop the migration where no HTTPRoute can say what they do, and say why', async () => {
    const name = 'routed-faults';
    onTestFinished(() => clear(name));
    const http = [
      { fault: { abort: { httpStatus: 500, percentage: { value: 1 } } }, route: [{ destination: { host: 'web' } }] },
    ];
    await cluster().apply(yaml(namespace(name), ...versions(name)));
    await cluster().apply(yaml(networking('VirtualService', name, 'faulty', { hosts: ['web'], http })));
    await cluster().podsReady(name, 2);
    await cluster().migrate(name, WAYPOINT);
    await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const stopping = await cluster().until('the finding is listed', async () =>
      (await listedFindings(cluster(), name))?.find(({ code }) => code === 'SST3003'),
    );
    expect(stopping).toMatchObject({
      object: 'VirtualService/faulty',
      message: expect.stringContaining('spec.http[0].fault: an HTTPRoute makes no faults') as string,
    });
    expect(await written(name)).toEqual([]);
  });
}
