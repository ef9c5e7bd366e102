import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '../../src/kube/client.js';
import { connectionFromKubeConfig } from '../../src/kube/connection.js';
import { type ApiServer, startApiServer } from '../../test/controlplane/api-server.js';
import { writeKubeconfig } from '../../test/controlplane/credentials.js';
import { NAMESPACE, WIDGET_CRD } from './widgets.js';

const ACCOUNT = 'contestant';
const RBAC = 'rbac.authorization.k8s.io';
const WIDGETS = `/apis/bench.sidestep.dev/v1/namespaces/${NAMESPACE}/widgets`;
const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

/** What an API server has counted since its start. */
export interface Counted {
  /** Requests of the contestants' ServiceAccount, watches included. */
  requests: number;
  /** Writes of Widgets, their status and ConfigMaps, whoever made them. */
  writes: number;
}

/** The API server that all contestants meet, one after the other. */
export interface Arena {
  readonly server: ApiServer;
  /** The driver's own client. */
  readonly client: Client;
  /** Kubeconfig of the contestants' ServiceAccount. */
  readonly kubeconfig: string;
  /** Version that the API server says it is. */
  readonly version: string;
  counted(): Promise<Counted>;
  /** Deletes all Widgets and ConfigMaps, and waits until they are gone. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts etcd and kube-apiserver with the kind Widget, and a ServiceAccount that may do everything. A FlowSchema of its own
 * makes the API server count its requests; its priority is that of all ServiceAccounts.
 */
export async function openArena(dir: string, log: (line: string) => void): Promise<Arena> {
  const server = await startApiServer({ dir, log });
  const { api } = server;
  const client = new Client({ connection: connectionFromKubeConfig({ kubeconfig: server.kubeconfig }) });
  const stop = async (): Promise<void> => {
    client.close();
    await server.stop();
  };
  try {
    await api.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', WIDGET_CRD);
    await api.post('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    await api.post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: ACCOUNT } });
    await api.post(`/apis/${RBAC}/v1/clusterrolebindings`, roleBinding);
    await api.post('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', flowSchema);
    const { token } = (
      (await api.post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${ACCOUNT}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 24 * 3600 },
      })) as { status: { token: string } }
    ).status;
    const kubeconfig = join(dir, 'contestant.kubeconfig');
    writeKubeconfig(kubeconfig, { server: server.server, ca: server.ca, user: ACCOUNT, token });
    await until('Widgets are served', async () => (await itemsOf(server, WIDGETS)) === 0);
    const { gitVersion } = (await api.get('/version')) as { gitVersion: string };
    return {
      server,
      client,
      kubeconfig,
      version: gitVersion,
      counted: async () => countedIn((await api.get('/metrics')) as string),
      clear: async () => {
        for (const path of [WIDGETS, CONFIG_MAPS]) {
          await api.delete(path);
          await until(`${path} is empty`, async () => (await itemsOf(server, path)) === 0);
        }
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const subject = { kind: 'ServiceAccount', namespace: NAMESPACE, name: ACCOUNT };

const roleBinding = {
  metadata: { name: ACCOUNT },
  roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [subject],
};

const flowSchema = {
  metadata: { name: ACCOUNT },
  spec: {
    // Before `service-accounts`, which has 9000.
    matchingPrecedence: 1_000,
    priorityLevelConfiguration: { name: 'workload-low' },
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'ServiceAccount', serviceAccount: { namespace: NAMESPACE, name: ACCOUNT } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  },
};

/**
 * Reads the API server's metrics.
 *
 * @param metrics  answer of `/metrics`
 * @see https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
export function countedIn(metrics: string): Counted {
  const writes = /^apiserver_request_total\{.*resource="(widgets|configmaps)".*verb="(POST|PUT|PATCH|APPLY|DELETE)"/;
  const requests = new RegExp(`^apiserver_flowcontrol_dispatched_requests_total\\{.*flow_schema="${ACCOUNT}"`);
  const counted = { requests: 0, writes: 0 };
  for (const line of metrics.split('\n')) {
    const value = Number(line.slice(line.lastIndexOf(' ') + 1));
    if (writes.test(line)) counted.writes += value;
    if (requests.test(line)) counted.requests += value;
  }
  return counted;
}

async function itemsOf({ api }: ApiServer, path: string): Promise<number> {
  return ((await api.get(`${path}?limit=1`)) as { items: unknown[] }).items.length;
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not within 60 s: ${what}`);
    await delay(100);
  }
}
