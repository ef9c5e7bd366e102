import { Agent } from 'node:https';
import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  Observable,
  type ObservableMiddleware,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { configMapOf, FIELD_MANAGER, WIDGET, type Widget, WORKERS } from './widgets.js';

/*
 * The contestant written by hand on `@kubernetes/client-node`: its informer, a Set of keys as queue, a fixed number of workers.
 *
 * The client opens a connection per call: for each it makes an agent, and has no option against that. With `--keep-alive` a
 * middleware, which is a public option of a call, puts one agent that keeps its connections in place of it.
 */

/** A Widget as the client types objects: with times as Date, which nothing here touches. */
type ClientWidget = KubernetesObject & Pick<Widget, 'spec' | 'status'>;

const RETRY_MS = 1_000;

const config = new KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(CoreV1Api);
const custom = config.makeApiClient(CustomObjectsApi);
const { group, version, plural } = WIDGET;

async function main(): Promise<void> {
  const middleware = process.argv.includes('--keep-alive') ? [oneAgent()] : [];
  const applied = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply, { middleware });
  const informer = makeInformer<ClientWidget>(
    config,
    `/apis/${group}/${version}/${plural}`,
    () => custom.listClusterCustomObject({ group, version, plural }) as Promise<KubernetesListObject<ClientWidget>>,
  );

  const reconcile = async (key: string): Promise<void> => {
    const [namespace = '', name = ''] = key.split('/');
    const widget = informer.get(name, namespace);
    if (!widget || isDone(widget)) return;
    const apply = { name, namespace, fieldManager: FIELD_MANAGER, force: true };
    await core.patchNamespacedConfigMap({ ...apply, body: configMapOf(widget as unknown as Widget) }, applied);
    const { apiVersion, kind, metadata } = widget;
    const body = {
      apiVersion,
      kind,
      metadata: { name, namespace },
      status: { observedGeneration: metadata?.generation },
    };
    await custom.patchNamespacedCustomObjectStatus({ ...apply, group, version, plural, body }, applied);
  };

  const queue = new Set<string>();
  const underWay = new Set<string>();
  const work = (): void => {
    for (const key of queue) {
      if (underWay.size >= WORKERS) return;
      if (underWay.has(key)) continue;
      queue.delete(key);
      underWay.add(key);
      reconcile(key)
        .catch((error: unknown) => {
          console.error(key, error);
          setTimeout(() => add(key), RETRY_MS);
        })
        .finally(() => {
          underWay.delete(key);
          work();
        });
    }
  };
  const add = (key: string): void => {
    queue.add(key);
    work();
  };
  const onChange = (widget: ClientWidget): void => {
    if (!isDone(widget)) add(`${widget.metadata?.namespace}/${widget.metadata?.name}`);
  };
  informer.on('add', onChange);
  informer.on('update', onChange);
  informer.on('error', (error) => {
    console.error(error);
    setTimeout(() => void informer.start(), RETRY_MS);
  });
  await informer.start();
}

function isDone({ metadata, status }: ClientWidget): boolean {
  return status?.observedGeneration === metadata?.generation;
}

/** Replaces the agent that the client makes for a call. */
function oneAgent(): ObservableMiddleware {
  const agent = new Agent({ keepAlive: true, ca: Buffer.from(config.getCurrentCluster()?.caData ?? '', 'base64') });
  return {
    pre: (request) => {
      request.setAgent(agent);
      return new Observable(Promise.resolve(request));
    },
    post: (response) => new Observable(Promise.resolve(response)),
  };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit());
main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
