import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import { EVENT } from '../../src/kube/types.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { NAME, policy, principals, service, VIEW, Views } from './views.js';

/** Content changes at most once in this time, ms. */
const INTERVAL_MS = 10_000;

/** What ztunnel knows of a namespace, kept in a ConfigMap. */
export function ztunnelView(cluster: () => Cluster): void {
  const views = new Views(cluster);

  it('is there where somebody asks for it, is what the command line prints, follows changes, and goes with the annotation', async () => {
    const name = 'view-asked';
    await views.make(name);
    expect(await views.read(name)).toBeUndefined();
    await views.annotate(name, `${VIEW}=true`);
    await views.file(
      name,
      `name: web\n  namespace: ${name}`,
      'protocol: HBONE',
      `hostname: web.${name}.svc.cluster.local`,
    );
    expect(await views.read(name)).toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'sidestep' } },
    });

    await cluster().apply(yaml(policy(name, 'callers')));
    await views.file(name, '!Prefix cluster.local/ns/shop/sa/', 'action: Allow');
    await cluster().kubectl('delete', 'authorizationpolicy', '-n', name, 'callers');
    await views.file(name, /policies:(?![^]*callers)/);

    await views.annotate(name, `${VIEW}-`);
    await views.untilGone(name);
  });

  it('is put right where somebody has deleted it, and at the next change where somebody has edited it', async () => {
    const name = 'view-edited';
    await views.make(name);
    await views.annotate(name, `${VIEW}=true`);
    await views.file(name, 'protocol: HBONE');
    await cluster().kubectl(
      'patch',
      'configmap',
      '-n',
      name,
      NAME,
      '--type=merge',
      '-p',
      '{"data":{"config.yaml":"workloads: []"}}',
    );
    await cluster().kubectl('label', 'service', '-n', name, 'web', 'example.com/touched=1');
    await views.file(name, 'protocol: HBONE');
    await cluster().kubectl('delete', 'configmap', '-n', name, NAME);
    await views.file(name, 'protocol: HBONE');
    await views.annotate(name, `${VIEW}-`);
    await views.untilGone(name);
  });

  it('never takes the place of a ConfigMap of somebody else', async () => {
    const name = 'view-taken';
    await views.make(name);
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: name }, data: { a: 'b' } };
    await cluster().apply(yaml(theirs));
    await views.annotate(name, `${VIEW}=true`);
    const note = await cluster().until('an Event that says so', async () => {
      const { items } = await cluster().client.list(EVENT, { namespace: 'default' });
      return items.find(({ reason, regarding }) => reason === 'NameTaken' && regarding?.name === name)?.note;
    });
    expect(note).toMatch(/ConfigMap sidestep-ztunnel exists and is not Sidestep's/);
    await views.annotate(name, `${VIEW}-`);
    await cluster().time.sleep(1_000);
    expect((await views.read(name))?.data).toEqual({ a: 'b' });
    expect(views.writes(name)).toEqual([]);
  });

  it('stands in parts where it is larger than a ConfigMap may be, in one again when it shrinks, and goes with all parts', async () => {
    const name = 'view-large';
    await views.make(name);
    const large = (index: number, count: number): object => policy(name, `large-${index}`, principals(count));
    const untilParts = (count: number): Promise<Record<string, string>> =>
      cluster().until(`${count} ConfigMaps`, async () => {
        const found = await views.parts(name);
        return Object.keys(found).length === count && Object.values(found).join('') === (await views.printed(name))
          ? found
          : undefined;
      });
    for (const index of [1, 2, 3]) await cluster().apply(yaml(large(index, 6_000)));
    await views.annotate(name, `${VIEW}=true`);
    const found = await untilParts(3);
    const index = await views.read(name);
    expect(index?.data?.['parts']).toBe('sidestep-ztunnel-1\nsidestep-ztunnel-2\n');
    const file = `${found['sidestep-ztunnel-1'] ?? ''}${found['sidestep-ztunnel-2'] ?? ''}`;
    expect(index?.data?.['sha256']).toBe(createHash('sha256').update(file).digest('hex'));
    await cluster().apply(yaml(large(1, 1), large(2, 1)));
    await untilParts(1);
    for (const index of [1, 2]) await cluster().apply(yaml(large(index, 6_000)));
    await untilParts(3);
    await views.annotate(name, `${VIEW}-`);
    await cluster().until('no part', async () => Object.keys(await views.parts(name)).length === 0 || undefined);
  });

  it('shows a migration, and goes with it', async () => {
    const name = 'view-migration';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web'), service(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name, { paused: true });
    // A sidecar that speaks HBONE itself.
    await views.file(name, 'protocol: HBONE\n  nativeTunnel: true');
    await cluster().migrate(name, { paused: false });
    await cluster().ready(name, 'Migrated');
    const after = await views.file(name, /protocol: HBONE\n(?! {2}nativeTunnel)/);
    expect(after).not.toMatch(/nativeTunnel/);
    await cluster().client.delete(AMBIENT_MIGRATION, { namespace: name, name });
    await views.untilGone(name);
  });

  it('is written when it changes, and not more often than every ten seconds', async () => {
    const name = 'view-calm';
    await views.make(name);
    await views.annotate(name, `${VIEW}=true`);
    await views.file(name, 'protocol: HBONE');
    const times: number[] = [];
    for (let index = 1; index <= 3; index += 1) {
      await cluster().apply(yaml(policy(name, `policy-${index}a`)));
      await cluster().apply(yaml(policy(name, `policy-${index}b`)));
      await views.file(name, `policy-${index}b`);
      times.push(Date.parse((await views.read(name))?.metadata.annotations?.['sidestep.dev/written-at'] ?? ''));
    }
    expect(times.slice(1).map((time, index) => time - (times[index] ?? NaN) >= INTERVAL_MS)).toEqual([true, true]);

    // Nothing that ztunnel is told changes: no write. A new operator writes nothing either: see `accounting`.
    await cluster().time.sleep(INTERVAL_MS);
    const since = cluster().audit().length;
    await cluster().kubectl('annotate', 'pods', '-n', name, '--all', 'example.com/touched=1');
    await cluster().time.sleep(INTERVAL_MS + 1_000);
    expect(views.writes(name, since)).toEqual([]);
  });

  it('is whole again where one of its parts is deleted, or the index', async () => {
    const name = 'view-parts';
    await views.make(name);
    await cluster().apply(yaml(...['a', 'b', 'c'].map((each) => policy(name, each, principals(6_000)))));
    await views.annotate(name, `${VIEW}=true`);
    const all = [NAME, `${NAME}-1`, `${NAME}-2`];
    await views.untilNamed(name, ...all);
    await cluster().kubectl('delete', 'configmap', '-n', name, `${NAME}-1`);
    await views.untilNamed(name, ...all);
    await cluster().kubectl('delete', 'configmap', '-n', name, NAME);
    await views.untilNamed(name, ...all);
    await views.annotate(name, `${VIEW}-`);
    await views.untilNamed(name);
  });

  it('follows what other namespaces say of its waypoint and of its hosts', async () => {
    const [name, edge, other] = ['view-near', 'view-edge', 'view-other'];
    const open = { allowedRoutes: { namespaces: { from: 'All' } } };
    // istiod says at the Services of its waypoints where traffic goes: this one is somebody's own.
    const gate = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'gate', namespace: edge },
      spec: { gatewayClassName: 'own', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', ...open }] },
    };
    await cluster().apply(yaml(namespace(edge), namespace(other), service(edge, 'gate'), gate));
    const status = { addresses: [{ type: 'Hostname', value: `gate.${edge}.svc.cluster.local` }] };
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    await cluster().kubectl('patch', 'gateway', '-n', edge, 'gate', ...patch);
    await views.make(name, { 'istio.io/use-waypoint': 'gate', 'istio.io/use-waypoint-namespace': edge });
    const entry = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'web', namespace: name },
      spec: {
        hosts: [`web.${other}.svc.cluster.local`],
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        resolution: 'DNS',
      },
    };
    await cluster().apply(yaml(entry));
    await views.annotate(name, `${VIEW}=true`);
    const ofEntry = `hostname: web\\.${other}\\.svc\\.cluster\\.local\n(  .*\n)*`;
    await views.file(name, `name: gate\n  namespace: ${edge}`, new RegExp(`${ofEntry}  canonical: true`));
    await views.annotate(edge, 'networking.istio.io/traffic-distribution=PreferSameNode');
    await views.file(name, '  - Node');
    await cluster().apply(yaml(service(other, 'web')));
    await views.file(name, new RegExp(`^(?![^]*${ofEntry}  canonical: true)`));
    // It is for the whole mesh.
    await cluster().kubectl('delete', 'serviceentry', '-n', name, 'web');
    await views.annotate(name, `${VIEW}-`);
    await views.untilGone(name);
  });
}
