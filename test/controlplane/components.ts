import { existsSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';

import type { AdminApi } from './admin-api.js';
import type { Binaries } from './build.js';
import type { ComponentSpec } from './component.js';
import type { Credentials, User } from './credentials.js';
import { harnessDir } from './paths.js';
import type { Ports } from './ports.js';

/** Programs of a control plane, in the order in which they start. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
  'istiod',
  'cni-agent',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** Addresses of one control plane; ports of 127.0.0.1. */
export interface Addresses {
  etcd: number;
  etcdPeer: number;
  apiServer: number;
  istiodHttp: number;
  istiodGrpc: number;
  istiodSecureGrpc: number;
  istiodWebhook: number;
  istiodMonitoring: number;
}

/** Takes the ports that one control plane needs. */
export function takeAddresses(ports: Ports): Addresses {
  return { etcd: ports.next(), etcdPeer: ports.next(), apiServer: ports.next(), ...takeIstiodAddresses(ports) };
}

/** Takes the ports that one istiod needs. */
export function takeIstiodAddresses(ports: Ports): Omit<Addresses, 'etcd' | 'etcdPeer' | 'apiServer'> {
  return {
    istiodHttp: ports.next(),
    istiodGrpc: ports.next(),
    istiodSecureGrpc: ports.next(),
    istiodWebhook: ports.next(),
    istiodMonitoring: ports.next(),
  };
}

/** What the command lines are made from. */
export interface Setup {
  dir: string;
  binaries: Binaries;
  credentials: Credentials;
  addresses: Addresses;
  stages: string;
  cniAgent: string;
  audit: boolean;
  /** Environment of the programs written in Go, beside what each of them needs. */
  goEnvironment: Readonly<Record<string, string>>;
  apiServerFlags: readonly string[];
  /** Path of the kubeconfig of one user. */
  kubeconfig: (user: User) => string;
  api: AdminApi;
}

/** Name of the file that the API server writes its audit log to. */
export function auditLogPath(dir: string): string {
  return join(dir, 'audit.jsonl');
}

const issuer = 'https://kubernetes.default.svc.cluster.local';
const local = (port: number): string => `127.0.0.1:${port}`;

/** How each program of a control plane is started. */
export function componentSpecs(setup: Setup): Record<ComponentName, ComponentSpec> {
  const { binaries, dir } = setup;
  const spec: MakeSpec = (name, command, rest) => ({
    name,
    command,
    cwd: join(dir, name),
    log: join(dir, 'logs', `${name}.log`),
    ...rest,
    env: { ...setup.goEnvironment, ...rest.env },
  });
  // Of these two, what they do tells whether they work; the control plane waits for that as a whole.
  const atOnce = (): Promise<boolean> => Promise.resolve(true);
  return {
    etcd: spec('etcd', binaries.etcd, {
      args: etcdArgs(setup),
      isReady: async () => (await get(`http://${local(setup.addresses.etcd)}/health`)).includes('"true"'),
    }),
    'kube-apiserver': spec('kube-apiserver', binaries['kube-apiserver'], {
      args: apiServerArgs(setup),
      isReady: async () => (await setup.api.get('/readyz')) === 'ok',
    }),
    'kube-controller-manager': spec('kube-controller-manager', binaries['kube-controller-manager'], {
      args: controllerManagerArgs(setup),
      isReady: atOnce,
    }),
    'kube-scheduler': spec('kube-scheduler', binaries['kube-scheduler'], {
      args: [
        '--kubeconfig',
        setup.kubeconfig('system:kube-scheduler'),
        '--leader-elect=false',
        '--secure-port=0',
        '--kube-api-qps=200',
        '--kube-api-burst=400',
      ],
      isReady: atOnce,
    }),
    kwok: spec('kwok', binaries.kwok, {
      args: [
        '--kubeconfig',
        setup.kubeconfig('kwok'),
        '--manage-all-nodes=true',
        '--config',
        setup.stages,
        '--server-address=',
        '--cidr=10.244.0.0/16',
      ],
      isReady: atOnce,
    }),
    istiod: spec('istiod', binaries['pilot-discovery'], {
      args: istiodArgs(setup),
      env: istiodEnvironment,
      isReady: async () => (await get(`http://${local(setup.addresses.istiodHttp)}/ready`)) !== undefined,
    }),
    'cni-agent': cniAgentSpec(setup, spec),
  };
}

/** How an istiod of a revision of its own is started beside the first; `setup` has its addresses. */
export function istiodOfRevision(setup: Setup, revision: string): ComponentSpec {
  const name = `istiod-${revision}`;
  return {
    ...componentSpecs(setup).istiod,
    name,
    cwd: join(setup.dir, name),
    log: join(setup.dir, 'logs', `${name}.log`),
    env: {
      ...setup.goEnvironment,
      ...istiodEnvironment,
      POD_NAME: `${name}-0`,
      REVISION: revision,
      INJECTION_WEBHOOK_CONFIG_NAME: `istio-sidecar-injector-${revision}`,
      VALIDATION_WEBHOOK_CONFIG_NAME: `istio-validator-${revision}-istio-system`,
    },
  };
}

type MakeSpec = (
  name: ComponentName,
  command: string,
  rest: Omit<ComponentSpec, 'name' | 'command' | 'cwd' | 'log'>,
) => ComponentSpec;

function cniAgentSpec({ dir, cniAgent, kubeconfig }: Setup, spec: MakeSpec): ComponentSpec {
  const readyFile = join(dir, 'cni-agent', 'ready');
  return spec('cni-agent', process.execPath, {
    args: [cniAgent, '--kubeconfig', kubeconfig('cni-agent'), '--ready-file', readyFile],
    beforeStart: () => rmSync(readyFile, { force: true }),
    isReady: () => Promise.resolve(existsSync(readyFile)),
  });
}

function etcdArgs({ dir, addresses }: Setup): string[] {
  const client = `http://${local(addresses.etcd)}`;
  const peer = `http://${local(addresses.etcdPeer)}`;
  return [
    '--data-dir',
    join(dir, 'etcd', 'data'),
    '--unsafe-no-fsync',
    '--log-level=warn',
    '--listen-client-urls',
    client,
    '--advertise-client-urls',
    client,
    '--listen-peer-urls',
    peer,
    '--initial-advertise-peer-urls',
    peer,
    '--initial-cluster',
    `default=${peer}`,
    // As kubeadm and kind set it: else the API server has nothing to say in bookmarks of kinds that do not change, and every watch
    // of them is silent.
    '--watch-progress-notify-interval=5s',
  ];
}

function apiServerArgs({ dir, addresses, credentials, audit, apiServerFlags }: Setup): string[] {
  const auditFlags = [
    '--audit-policy-file',
    join(harnessDir, 'audit-policy.yaml'),
    '--audit-log-path',
    auditLogPath(dir),
    '--audit-log-format=json',
    // One file for the whole life of the control plane: tests read it from its beginning.
    '--audit-log-maxsize=100000',
  ];
  return [
    '--etcd-servers',
    `http://${local(addresses.etcd)}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${addresses.apiServer}`,
    '--cert-dir',
    join(dir, 'kube-apiserver', 'certificates'),
    '--token-auth-file',
    credentials.tokenFile,
    '--authorization-mode=RBAC',
    '--allow-privileged',
    '--service-account-issuer',
    issuer,
    `--api-audiences=${issuer},istio-ca`,
    '--service-account-key-file',
    credentials.serviceAccountPublicKey,
    '--service-account-signing-key-file',
    credentials.serviceAccountKey,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    ...(audit ? auditFlags : []),
    ...apiServerFlags,
  ];
}

function controllerManagerArgs({ kubeconfig, credentials }: Setup): string[] {
  return [
    '--kubeconfig',
    kubeconfig('system:kube-controller-manager'),
    '--service-account-private-key-file',
    credentials.serviceAccountKey,
    '--leader-elect=false',
    '--secure-port=0',
    '--controllers=*,-nodeipam,-cloud-node-lifecycle,-node-route-controller,-service-lb-controller',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    // Tests stop the API server and load the machine: nodes must not go NotReady, and their pods with them, for that.
    '--node-monitor-grace-period=10m',
  ];
}

function istiodArgs({ kubeconfig, addresses, credentials }: Setup): string[] {
  return [
    'discovery',
    '--kubeconfig',
    kubeconfig('istiod'),
    '--domain=cluster.local',
    '--ctrlz_port=0',
    '--shutdownDuration=1s',
    '--tlsCertFile',
    credentials.istiod.cert,
    '--tlsKeyFile',
    credentials.istiod.key,
    '--caCertFile',
    credentials.istiod.ca,
    '--httpAddr',
    local(addresses.istiodHttp),
    '--grpcAddr',
    local(addresses.istiodGrpc),
    '--secureGRPCAddr',
    local(addresses.istiodSecureGrpc),
    '--httpsAddr',
    local(addresses.istiodWebhook),
    '--monitoringAddr',
    local(addresses.istiodMonitoring),
  ];
}

// As in the chart's Deployment, profile ambient. The fixed pod name lets a restarted istiod go on with the elections that
// it held, without waiting 30 s for them to lapse.
const istiodEnvironment = {
  POD_NAME: 'istiod-0',
  POD_NAMESPACE: 'istio-system',
  SERVICE_ACCOUNT: 'istiod',
  REVISION: 'default',
  CLUSTER_ID: 'Kubernetes',
  PILOT_CERT_PROVIDER: 'istiod',
  PILOT_ENABLE_AMBIENT: 'true',
  CA_TRUSTED_NODE_ACCOUNTS: 'istio-system/ztunnel',
  INJECTION_WEBHOOK_CONFIG_NAME: 'istio-sidecar-injector',
  VALIDATION_WEBHOOK_CONFIG_NAME: 'istio-validator-istio-system',
};

/** Body of a 2xx answer. @throws {Error} otherwise */
function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { timeout: 5000, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () =>
        answer.statusCode === 200
          ? resolve(Buffer.concat(chunks).toString())
          : reject(new Error(`${url}: ${answer.statusCode}`)),
      );
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${url}: no answer within 5 s`)));
    outgoing.once('error', reject);
    outgoing.end();
  });
}
