import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { dataFiles, type IstioManifests, type PublishedOpenApi, readData } from '../../src/sandbox/data/index.js';
import { Server } from '../conformance/server.js';
import { build } from './build.js';
import { startControlPlane } from './control-plane.js';
import { inputs } from './inputs.js';
import { repositoryRoot } from './paths.js';
import { protobufMessages } from './protobuf-messages.js';

/*
 * `make sandbox-data`: writes src/sandbox/data/ from the real control plane, so that the sandbox has the schemas, CRDs and
 * charts of real programs without them.
 */

/** Kinds that the sandbox holds or answers with, by group version. */
const HELD: Record<string, string[]> = {
  'api/v1': [
    'Binding',
    'ConfigMap',
    'Endpoints',
    'Event',
    'LimitRange',
    'Namespace',
    'Node',
    'PersistentVolumeClaim',
    'Pod',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  'apis/admissionregistration.k8s.io/v1': [
    'MutatingWebhookConfiguration',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
    'ValidatingWebhookConfiguration',
  ],
  'apis/apiextensions.k8s.io/v1': ['CustomResourceDefinition'],
  'apis/apps/v1': ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  'apis/authentication.k8s.io/v1': ['SelfSubjectReview', 'TokenRequest', 'TokenReview'],
  'apis/authorization.k8s.io/v1': [
    'LocalSubjectAccessReview',
    'SelfSubjectAccessReview',
    'SelfSubjectRulesReview',
    'SubjectAccessReview',
  ],
  'apis/autoscaling/v1': ['Scale'],
  'apis/autoscaling/v2': ['HorizontalPodAutoscaler'],
  'apis/batch/v1': ['CronJob', 'Job'],
  'apis/coordination.k8s.io/v1': ['Lease'],
  'apis/discovery.k8s.io/v1': ['EndpointSlice'],
  'apis/events.k8s.io/v1': ['Event'],
  'apis/networking.k8s.io/v1': ['NetworkPolicy'],
  'apis/policy/v1': ['Eviction', 'PodDisruptionBudget'],
  'apis/rbac.authorization.k8s.io/v1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'apis/scheduling.k8s.io/v1': ['PriorityClass'],
};

/** What every API uses without being a resource. */
const COMMON = ['DeleteOptions', 'WatchEvent', 'Status', 'Patch'].map(
  (name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`,
);

type Definitions = PublishedOpenApi['definitions'];

/** What the files in src/sandbox/data should hold, by file name. */
export async function collectSandboxData(server: Server): Promise<Record<string, unknown>> {
  const rendered = await inputs(await build({ log: () => undefined }));
  const istio: IstioManifests = { istiod: rendered.istiod, nodeComponents: rendered.nodeComponents };
  const openApi = await publishedBy(server);
  return {
    [dataFiles.openApi]: openApi,
    [dataFiles.protobuf]: await protobufMessages(openApi),
    [dataFiles.customResourceDefinitions]: rendered.crds,
    [dataFiles.istio]: istio,
  };
}

/** Names of the files whose content is not what a real control plane says. */
export function staleFiles(collected: Record<string, unknown>): string[] {
  return Object.entries(collected)
    .filter(([name, content]) => !isDeepStrictEqual(JSON.parse(JSON.stringify(content)), readData(name)))
    .map(([name]) => name);
}

async function publishedBy(server: Server): Promise<PublishedOpenApi> {
  const version = (await server.get('/version')).body as { gitVersion: string };
  const definitions: Definitions = {};
  const schemas: Definitions = {};
  // A kind of a subresource stands in the document of its resource: Scale in that of apps, TokenRequest in the core one.
  for (const groupVersion of Object.keys(HELD)) {
    const { body } = await server.get(`/openapi/v3/${groupVersion}`);
    Object.assign(schemas, (body as { components: { schemas: Definitions } }).components.schemas);
  }
  for (const [groupVersion, kinds] of Object.entries(HELD)) {
    const [, group = '', of = 'v1'] = /^apis?\/(?:(.+)\/)?([^/]+)$/.exec(groupVersion) ?? [];
    for (const kind of kinds) {
      const root = Object.keys(schemas).find((name) => isKind(schemas[name], { group, version: of, kind }));
      if (root === undefined) throw new Error(`the API server publishes no ${groupVersion} ${kind}`);
      addReachable(root, schemas, definitions);
      if (schemas[`${root}List`]) addReachable(`${root}List`, schemas, definitions);
    }
  }
  for (const name of COMMON) addReachable(name, schemas, definitions);
  const sorted = Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { version: version.gitVersion, definitions: sorted };
}

function isKind(schema: Definitions[string] | undefined, wanted: { group: string; version: string; kind: string }) {
  const names = schema?.['x-kubernetes-group-version-kind'] ?? [];
  return names.some(
    ({ group, version, kind }) => group === wanted.group && version === wanted.version && kind === wanted.kind,
  );
}

function addReachable(name: string, from: Definitions, into: Definitions): void {
  if (into[name] !== undefined) return;
  const schema = from[name];
  if (schema === undefined) throw new Error(`no definition ${name}`);
  into[name] = schema;
  for (const [, reference = ''] of JSON.stringify(schema).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    addReachable(reference, from, into);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { kubeconfig: { type: 'string' } } });
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-'));
  const controlPlane = values.kubeconfig === undefined ? await startControlPlane({ dir, log: console.log }) : undefined;
  const server = new Server(values.kubeconfig ?? controlPlane!.kubeconfig);
  try {
    for (const [name, content] of Object.entries(await collectSandboxData(server))) {
      const path = join(repositoryRoot, 'src', 'sandbox', 'data', name);
      writeFileSync(path, gzipSync(JSON.stringify(content), { level: 9 }));
      console.log(`wrote ${path}`);
    }
  } finally {
    server.close();
    await controlPlane?.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) await main();
