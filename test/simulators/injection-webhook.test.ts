import { request } from 'node:https';
import fc from 'fast-check';
import { applyPatch, type Operation } from 'rfc6902';
import { expect } from 'vitest';
import type { ConfigMap, Pod } from '../../src/kube/types.js';
import { InjectionError, injectPod } from '../../src/sandbox/simulators/injector/inject-pod.js';
import { injectionConfig, type InjectionConfig } from '../../src/sandbox/simulators/injector/injection-config.js';
import { isInjectionRequired } from '../../src/sandbox/simulators/injector/injection-policy.js';
import { conformance } from '../conformance/suite.js';
import type { Server } from '../conformance/server.js';

/*
 * The webhook is asked directly, without an API server between, and must answer what our injector computes: the real
 * istiod on the real control plane, for pods made at random; our own on the sandbox.
 */

const namespace = 'shop';

conformance('injection webhook', (test) => {
  test('answers what the injector computes, for any pod', async (server) => {
    const [url, config] = [await webhookUrl(server), await configuration(server)];
    await fc.assert(
      fc.asyncProperty(pods, async (pod) => {
        const answer = await ask(url, pod);
        expect(outcome(answer, pod)).toEqual(computed(config, pod));
      }),
      { numRuns: 150 },
    );
  });
});

/** Mostly what is set on pods of real clusters, in all combinations. */
const annotations = fc.record(
  {
    'sidecar.istio.io/nativeSidecar': fc.constantFrom('true', 'false'),
    'sidecar.istio.io/interceptionMode': fc.constantFrom('REDIRECT', 'TPROXY', 'NONE'),
    'sidecar.istio.io/proxyCPU': fc.constantFrom('50m', '1500m', '0.5'),
    'sidecar.istio.io/proxyMemoryLimit': fc.constantFrom('128Mi', '2048Mi'),
    'sidecar.istio.io/rewriteAppHTTPProbers': fc.constantFrom('true', 'false'),
    'sidecar.istio.io/inject': fc.constantFrom('true', 'false'),
    'sidecar.istio.io/logLevel': fc.constant('debug'),
    'sidecar.istio.io/proxyImageType': fc.constantFrom('default', 'debug'),
    'proxy.istio.io/config': fc.constantFrom(
      'holdApplicationUntilProxyStarts: true',
      'proxyMetadata: {A: b}',
      'concurrency: 2',
    ),
    'prometheus.io/scrape': fc.constantFrom('true', 'false'),
    'prometheus.io/port': fc.constantFrom('9090', '15020'),
    'traffic.sidecar.istio.io/excludeInboundPorts': fc.constantFrom('', '80', '15020', '80,443', 'none'),
    'traffic.sidecar.istio.io/includeOutboundIPRanges': fc.constantFrom('*', '10.0.0.0/8'),
    'status.sidecar.istio.io/port': fc.constantFrom('0', '15020', '15021'),
    'kubectl.kubernetes.io/default-container': fc.constant('app'),
  },
  { requiredKeys: [] },
);

const labels = fc.record(
  {
    app: fc.constantFrom('web', 'web-'),
    version: fc.constant('v1'),
    'app.kubernetes.io/name': fc.constant('name'),
    'service.istio.io/workload-name': fc.constant('workload'),
    'sidecar.istio.io/inject': fc.constantFrom('true', 'false'),
    'networking.istio.io/tunnel': fc.constant('none'),
    'topology.istio.io/network': fc.constant('west'),
  },
  { requiredKeys: [] },
);

const handler = fc.oneof(
  fc.record({ httpGet: fc.record({ path: fc.constant('/x'), port: fc.constantFrom(80, 15020, 'http', 'missing') }) }),
  fc.record({ tcpSocket: fc.record({ port: fc.constantFrom(80, 'http') }) }),
  fc.record({ exec: fc.record({ command: fc.constant(['true']) }) }),
);
const probe = fc.oneof(handler, fc.record({ grpc: fc.record({ port: fc.constant(90) }) }));

const container = (name: string): fc.Arbitrary<object> =>
  fc.record(
    {
      name: fc.constant(name),
      image: fc.constantFrom('auto', 'example.com/image:1'),
      ports: fc.constantFrom([{ name: 'http', containerPort: 80 }], [{ containerPort: 81, protocol: 'UDP' }]),
      env: fc.constantFrom([{ name: 'A', value: 'b' }], [{ name: 'POD_NAME', value: 'mine' }]),
      readinessProbe: probe,
      livenessProbe: probe,
      startupProbe: probe,
      lifecycle: fc.record({ preStop: handler, postStart: handler }, { requiredKeys: [] }),
      securityContext: fc.constantFrom({ runAsUser: 2000 }, { privileged: true }),
    },
    { requiredKeys: ['name', 'image'] },
  );

const pods = fc
  .record({
    annotations,
    labels,
    containers: fc.tuple(container('app'), fc.option(container('second')), fc.option(container('istio-proxy'))),
    initContainers: fc.option(fc.tuple(container('prepare')), { nil: undefined }),
    hostNetwork: fc.constantFrom(undefined, undefined, undefined, true),
    owner: fc.constantFrom(undefined, 'ReplicaSet', 'Job'),
  })
  .map(({ annotations, labels, containers, owner, ...spec }) => {
    const ownerReferences = [{ apiVersion: 'batch/v1', kind: owner, name: 'web-12345678', uid: 'u', controller: true }];
    const metadata = owner === undefined ? { name: 'web' } : { generateName: 'web-12345678-', ownerReferences };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, annotations, labels },
      spec: { ...spec, containers: containers.filter((each) => each !== null) },
    };
    return JSON.parse(JSON.stringify(pod)) as Pod;
  });

function computed(config: InjectionConfig, pod: Pod): unknown {
  if (!isInjectionRequired(pod, namespace)) return comparable(pod);
  try {
    return comparable(injectPod(config, { pod, namespace, nativeSidecars: true }));
  } catch (error) {
    if (!(error instanceof InjectionError)) throw error;
    return error.message;
  }
}

interface Answer {
  allowed: boolean;
  status?: { message: string };
  patch?: string;
}

function outcome({ allowed, status, patch }: Answer, pod: Pod): unknown {
  if (!allowed) return status?.message;
  const result = withGoZeroValues(structuredClone(pod));
  const operations = patch === undefined ? [] : (JSON.parse(Buffer.from(patch, 'base64').toString()) as Operation[]);
  const failures = applyPatch(result, operations).filter((failure) => failure !== null);
  expect(failures).toEqual([]);
  return comparable(result);
}

/** Go sees an empty `resources` in every container, and patches relative to that. */
function withGoZeroValues(pod: Pod): Pod {
  for (const each of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) each.resources ??= {};
  return pod;
}

/** Without what differs in form only: empty fields, and the order of fields in JSON that is text. */
function comparable(pod: Pod): unknown {
  return JSON.parse(JSON.stringify(pod), (_, value: unknown) => {
    if (typeof value === 'string' && /^\{.*\}\n?$/s.test(value)) return JSON.parse(value, dropEmpty) as unknown;
    return dropEmpty('', value);
  }) as unknown;
}

function dropEmpty(_: string, value: unknown): unknown {
  return typeof value === 'object' && Object.keys(value ?? {}).length === 0 ? undefined : value;
}

async function webhookUrl(server: Server): Promise<string> {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector';
  return (await server.get(path)).body.webhooks[0].clientConfig.url as string;
}

async function configuration(server: Server): Promise<InjectionConfig> {
  const map = async (name: string): Promise<ConfigMap> =>
    (await server.get(`/api/v1/namespaces/istio-system/configmaps/${name}`)).body;
  return injectionConfig(await map('istio'), await map('istio-sidecar-injector'));
}

function ask(url: string, object: Pod): Promise<Answer> {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const review = { uid: 'u', kind, resource: { ...kind, resource: 'pods' }, namespace, operation: 'CREATE', object };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: review });
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', rejectUnauthorized: false, headers: { 'content-type': 'application/json' } };
    const sent = request(url, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const { response } = JSON.parse(Buffer.concat(chunks).toString()) as { response: Answer };
        resolve(response);
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
