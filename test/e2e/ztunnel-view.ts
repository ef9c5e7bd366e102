import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../src/cli/program.js';
import { AMBIENT_MIGRATION } from '../../src/api/ambient-migration.js';
import { isNotFound } from '../../src/kube/errors.js';
import { CONFIG_MAP, type ConfigMap, EVENT } from '../../src/kube/types.js';
import { OPERATOR_USER, writesOf } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { deployment, namespace, yaml } from '../support/fixtures.js';
import { independent } from '../support/independent.js';
import { restartOperator } from './crashes.js';

const NAME = 'sidestep-ztunnel';
const VIEW = 'sidestep.dev/ztunnel-view';

/** Content changes at most once in this time, ms. */
const INTERVAL_MS = 10_000;

const service = (inNamespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: inNamespace },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
});

const policy = (inNamespace: string, name: string): object => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: inNamespace },
  spec: { rules: [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/*'] } }] }] },
});

/** What ztunnel knows of a namespace, kept in a ConfigMap. */
export function ztunnelView(cluster: () => Cluster): void {
  const read = (inNamespace: string): Promise<ConfigMap | undefined> =>
    cluster()
      .client.get(CONFIG_MAP, { namespace: inNamespace, name: NAME })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });

  /** What the command line says at this moment. */
  const printed = async (inNamespace: string): Promise<string> => {
    let text = '';
    let complaint = '';
    const code = await run(['ztunnel-config', '-n', inNamespace], {
      version: '',
      kubeconfig: join(cluster().dir, 'kubeconfig'),
      print: (more) => (text += more),
      complain: (more) => (complaint += more),
    });
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
    return text;
  };

  /** The file in the ConfigMap, once it has everything expected in it and is what the command line says. */
  const file = (inNamespace: string, ...expected: readonly (string | RegExp)[]): Promise<string> =>
    cluster().until(`${expected.join(', ')} in the view of ${inNamespace}`, async () => {
      const found = await read(inNamespace);
      const text = found?.data?.['config.yaml'] ?? '';
      if (!expected.every((each) => text.search(each) >= 0)) throw new Error(text);
      const now = await printed(inNamespace);
      if (text !== now) throw new Error(`${text}\nis not what is printed:\n${now}`);
      return text;
    });

  const annotate = (inNamespace: string, value: string): Promise<string> =>
    cluster().kubectl('annotate', 'namespace', inNamespace, value, '--overwrite');

  const untilGone = (inNamespace: string): Promise<boolean> =>
    cluster().until(`no view of ${inNamespace}`, async () => (await read(inNamespace)) === undefined || undefined);

  /** Writes of the operator to ConfigMaps of a namespace, since an index of the audit log. */
  const writes = (inNamespace: string, since = 0): string[] =>
    writesOf(cluster().audit().slice(since))
      .filter(({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.namespace === inNamespace)
      .filter(({ objectRef }) => objectRef?.resource === 'configmaps')
      .map(({ verb, objectRef }) => `${verb} ${objectRef?.name ?? ''}`);

  const make = async (name: string, labels: Record<string, string> = {}): Promise<void> => {
    await cluster().apply(
      yaml(
        namespace(name, { 'istio.io/dataplane-mode': 'ambient', ...labels }),
        deployment(name, 'web'),
        service(name, 'web'),
      ),
    );
    await cluster().podsReady(name, 1);
  };

  independent(
    'is there where somebody asks for it, is what the command line prints, follows changes, and goes with the annotation',
    async () => {
      const name = 'view-asked';
      await make(name);
      expect(await read(name)).toBeUndefined();
      await annotate(name, `${VIEW}=true`);
      await file(name, `name: web\n  namespace: ${name}`, 'protocol: HBONE', `hostname: web.${name}.svc.cluster.local`);
      expect(await read(name)).toMatchObject({ metadata: { labels: { 'app.kubernetes.io/managed-by': 'sidestep' } } });

      await cluster().apply(yaml(policy(name, 'callers')));
      await file(name, '!Prefix cluster.local/ns/shop/sa/', 'action: Allow');
      await cluster().kubectl('delete', 'authorizationpolicy', '-n', name, 'callers');
      await file(name, /policies:(?![^]*callers)/);

      await annotate(name, `${VIEW}-`);
      await untilGone(name);
    },
  );

  independent(
    'is put right where somebody has deleted it, and at the next change where somebody has edited it',
    async () => {
      const name = 'view-edited';
      await make(name);
      await annotate(name, `${VIEW}=true`);
      await file(name, 'protocol: HBONE');
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
      await file(name, 'protocol: HBONE');
      await cluster().kubectl('delete', 'configmap', '-n', name, NAME);
      await file(name, 'protocol: HBONE');
      await annotate(name, `${VIEW}-`);
      await untilGone(name);
    },
  );

  independent('never takes the place of a ConfigMap of somebody else', async () => {
    const name = 'view-taken';
    await make(name);
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: name }, data: { a: 'b' } };
    await cluster().apply(yaml(theirs));
    await annotate(name, `${VIEW}=true`);
    const note = await cluster().until('an Event that says so', async () => {
      const { items } = await cluster().client.list(EVENT, { namespace: 'default' });
      return items.find(({ reason, regarding }) => reason === 'NameTaken' && regarding?.name === name)?.note;
    });
    expect(note).toMatch(/ConfigMap sidestep-ztunnel exists and is not Sidestep's/);
    await annotate(name, `${VIEW}-`);
    await cluster().time.sleep(1_000);
    expect((await read(name))?.data).toEqual({ a: 'b' });
    expect(writes(name)).toEqual([]);
  });

  independent(
    'stands in parts where it is larger than a ConfigMap may be, in one again when it shrinks, and goes with all parts',
    async () => {
      const name = 'view-large';
      await make(name);
      const principals = (count: number): string[] =>
        Array.from(
          { length: count },
          (_, index) => `cluster.local/ns/a-namespace-with-a-long-name/sa/account-${index}`,
        );
      const large = (index: number, count: number): object => ({
        ...policy(name, `large-${index}`),
        spec: { rules: [{ from: [{ source: { principals: principals(count) } }] }] },
      });
      const parts = async (): Promise<Record<string, string>> => {
        const { items } = await cluster().client.list(CONFIG_MAP, { namespace: name });
        const ours = items.filter(({ metadata }) => metadata.name.startsWith(NAME));
        return Object.fromEntries(ours.map(({ metadata, data }) => [metadata.name, data?.['config.yaml'] ?? '']));
      };
      const untilParts = (count: number): Promise<Record<string, string>> =>
        cluster().until(`${count} ConfigMaps`, async () => {
          const found = await parts();
          return Object.keys(found).length === count && Object.values(found).join('') === (await printed(name))
            ? found
            : undefined;
        });
      for (const index of [1, 2, 3]) await cluster().apply(yaml(large(index, 6_000)));
      await annotate(name, `${VIEW}=true`);
      const found = await untilParts(3);
      const index = await read(name);
      expect(index?.data?.['parts']).toBe('sidestep-ztunnel-1\nsidestep-ztunnel-2\n');
      const file = `${found['sidestep-ztunnel-1'] ?? ''}${found['sidestep-ztunnel-2'] ?? ''}`;
      expect(index?.data?.['sha256']).toBe(createHash('sha256').update(file).digest('hex'));
      await cluster().apply(yaml(large(1, 1), large(2, 1)));
      await untilParts(1);
      for (const index of [1, 2]) await cluster().apply(yaml(large(index, 6_000)));
      await untilParts(3);
      await annotate(name, `${VIEW}-`);
      await cluster().until('no part', async () => Object.keys(await parts()).length === 0 || undefined);
    },
  );

  independent('shows a migration, and goes with it', async () => {
    const name = 'view-migration';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web'), service(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name, { paused: true });
    // A sidecar that speaks HBONE itself.
    await file(name, 'protocol: HBONE\n  nativeTunnel: true');
    await cluster().migrate(name, { paused: false });
    await cluster().ready(name, 'Migrated');
    const after = await file(name, /protocol: HBONE\n(?! {2}nativeTunnel)/);
    expect(after).not.toMatch(/nativeTunnel/);
    await cluster().client.delete(AMBIENT_MIGRATION, { namespace: name, name });
    await untilGone(name);
  });

  it('is written when it changes, and not more often than every ten seconds', async () => {
    const name = 'view-calm';
    await make(name);
    await annotate(name, `${VIEW}=true`);
    await file(name, 'protocol: HBONE');
    const times: number[] = [];
    for (let index = 1; index <= 3; index += 1) {
      await cluster().apply(yaml(policy(name, `policy-${index}a`)));
      await cluster().apply(yaml(policy(name, `policy-${index}b`)));
      await file(name, `policy-${index}b`);
      times.push(Date.parse((await read(name))?.metadata.annotations?.['sidestep.dev/written-at'] ?? ''));
    }
    expect(times.slice(1).map((time, index) => time - (times[index] ?? NaN) >= INTERVAL_MS)).toEqual([true, true]);

    // Nothing that ztunnel is told changes: no write, also of a new operator.
    await cluster().time.sleep(INTERVAL_MS);
    const since = cluster().audit().length;
    await cluster().kubectl('annotate', 'pods', '-n', name, '--all', 'example.com/touched=1');
    await cluster().operator.stop();
    await cluster().operator.start();
    await cluster().time.sleep(2 * INTERVAL_MS);
    expect(writes(name, since)).toEqual([]);
    await annotate(name, `${VIEW}-`);
    await untilGone(name);
  });

  it('is whole again where one of its parts is deleted, and leaves none behind where it is deleted itself', async () => {
    const name = 'view-parts';
    await make(name);
    const principals = Array.from(
      { length: 6_000 },
      (_, at) => `cluster.local/ns/a-namespace-with-a-long-name/sa/account-${at}`,
    );
    const spec = { rules: [{ from: [{ source: { principals } }] }] };
    for (const each of ['a', 'b', 'c']) await cluster().apply(yaml({ ...policy(name, each), spec }));
    const names = async (): Promise<string[]> => {
      const { items } = await cluster().client.list(CONFIG_MAP, { namespace: name });
      return items.map(({ metadata }) => metadata.name).filter((each) => each.startsWith(NAME));
    };
    const untilNamed = (...expected: readonly string[]): Promise<boolean> =>
      cluster().until(`${expected.join(', ')}`, async () => (await names()).join() === expected.join() || undefined);
    await annotate(name, `${VIEW}=true`);
    const all = [NAME, `${NAME}-1`, `${NAME}-2`];
    await untilNamed(...all);
    await cluster().kubectl('delete', 'configmap', '-n', name, `${NAME}-1`);
    await untilNamed(...all);
    await cluster().kubectl('delete', 'configmap', '-n', name, NAME);
    await untilNamed(...all);

    await cluster().operator.stop();
    await cluster().kubectl('delete', 'configmap', '-n', name, NAME);
    await annotate(name, `${VIEW}-`);
    await cluster().operator.start();
    await untilNamed();
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
    await make(name, { 'istio.io/use-waypoint': 'gate', 'istio.io/use-waypoint-namespace': edge });
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
    await annotate(name, `${VIEW}=true`);
    const ofEntry = `hostname: web\\.${other}\\.svc\\.cluster\\.local\n(  .*\n)*`;
    await file(name, `name: gate\n  namespace: ${edge}`, new RegExp(`${ofEntry}  canonical: true`));
    await annotate(edge, 'networking.istio.io/traffic-distribution=PreferSameNode');
    await file(name, '  - Node');
    await cluster().apply(yaml(service(other, 'web')));
    await file(name, new RegExp(`^(?![^]*${ofEntry}  canonical: true)`));
    // It is for the whole mesh.
    await cluster().kubectl('delete', 'serviceentry', '-n', name, 'web');
    await annotate(name, `${VIEW}-`);
    await untilGone(name);
  });

  it('goes too if the annotation went while no operator ran', async () => {
    const name = 'view-orphan';
    await make(name);
    await annotate(name, `${VIEW}=true`);
    await file(name, 'protocol: HBONE');
    await cluster().operator.stop();
    await annotate(name, `${VIEW}-`);
    await cluster().operator.start();
    await untilGone(name);
  });

  it('is whole after a crash at its first write', async () => {
    const name = 'view-crash';
    await make(name);
    const killed = cluster().killOperatorAfter(
      ({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'configmaps' && objectRef.namespace === name,
    );
    await Promise.all([killed, annotate(name, `${VIEW}=true`)]);
    await cluster().apply(yaml(policy(name, 'meanwhile')));
    await restartOperator(cluster());
    await file(name, 'meanwhile');
    await annotate(name, `${VIEW}-`);
    await untilGone(name);
  });
}
