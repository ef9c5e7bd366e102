import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseAllDocuments } from 'yaml';

import type { Manifest } from './apply.js';
import { type Binaries, dependencyDir, moduleDir } from './build.js';
import { cacheDir, harnessDir } from './paths.js';

const run = promisify(execFile);

/** What is the same for every control plane. */
export interface Inputs {
  /** CustomResourceDefinitions of Istio and of Gateway API (standard channel). */
  crds: Manifest[];
  /** istiod's objects without what would run it in the cluster; {@link webhookUrlPlaceholder} stands for its address. */
  istiod: Manifest[];
  /** ServiceAccounts, RBAC and DaemonSets of ztunnel and the CNI agent. */
  nodeComponents: Manifest[];
  /** Path of the file with kwok's stages. */
  stages: string;
}

/** In {@link Inputs.istiod}: where a control plane puts `https://127.0.0.1:PORT`. */
export const webhookUrlPlaceholder = 'https://istiod.invalid';

interface WithWebhooks extends Manifest {
  webhooks?: { clientConfig: { service?: { path?: string }; url?: string } }[];
}

/**
 * Renders Istio's charts (profile ambient) and collects the other inputs, once per content of the Go modules and of this file.
 *
 * @throws {Error} when a chart cannot be rendered
 */
export async function inputs(binaries: Binaries): Promise<Inputs> {
  const dir = join(cacheDir, `inputs-${fingerprint()}`);
  if (!existsSync(dir)) await render(binaries.helm, dir);
  const read = (name: string): Manifest[] => JSON.parse(readFileSync(join(dir, name), 'utf8')) as Manifest[];
  return {
    crds: read('crds.json'),
    istiod: read('istiod.json'),
    nodeComponents: read('node-components.json'),
    stages: join(dir, 'stages.yaml'),
  };
}

function fingerprint(): string {
  const hash = createHash('sha256');
  for (const module of ['istio', 'kwok']) hash.update(readFileSync(join(moduleDir(module), 'go.mod')));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  return hash.update(readFileSync(podStages)).digest('hex').slice(0, 16);
}

const podStages = join(harnessDir, 'kwok', 'pod-stages.yaml');

async function render(helm: string, dir: string): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const aside = mkdtempSync(join(cacheDir, 'rendering-'));
  try {
    const istio = await dependencyDir('istio', 'istio.io/istio');
    const chart = async (path: string): Promise<Manifest[]> =>
      renderChart(helm, join(istio, 'manifests', 'charts', path));
    const base = await chart('base');
    const istiod = await chart('istio-control/istio-discovery');
    const isCrd = (object: Manifest): boolean => object.kind === 'CustomResourceDefinition';
    write(aside, 'crds.json', [...base.filter(isCrd), ...(await gatewayApiCrds())]);
    write(
      aside,
      'istiod.json',
      [...base.filter((object) => !isCrd(object)), ...istiod].filter(runsOutside).map(withWebhookUrls),
    );
    write(aside, 'node-components.json', [...(await chart('istio-cni')), ...(await chart('ztunnel'))]);
    writeFileSync(join(aside, 'stages.yaml'), await stages());
    renameSync(aside, dir);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    // Another process may have rendered the same meanwhile.
    if (!existsSync(dir)) throw error;
  }
}

/**
 * What another istiod of a revision of its own needs beside the first: ConfigMaps and webhooks, with
 * {@link webhookUrlPlaceholder} for its address.
 *
 * @param values  more values of the chart, such as `global.tag`
 * @throws {Error} when the chart cannot be rendered
 */
export async function revisionInputs(
  { helm }: Binaries,
  revision: string,
  values: Readonly<Record<string, string>>,
): Promise<Manifest[]> {
  const kinds = ['ConfigMap', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];
  const istio = await dependencyDir('istio', 'istio.io/istio');
  const chart = join(istio, 'manifests', 'charts', 'istio-control', 'istio-discovery');
  const objects = await renderChart(helm, chart, { ...values, revision });
  return objects.filter(({ kind }) => kinds.includes(kind)).map(withWebhookUrls);
}

async function renderChart(
  helm: string,
  chart: string,
  values: Readonly<Record<string, string>> = {},
): Promise<Manifest[]> {
  const name = chart.split('/').at(-1) ?? chart;
  const settings = Object.entries({ profile: 'ambient', ...values }).flatMap(([key, value]) => [
    '--set',
    `${key}=${value}`,
  ]);
  const { stdout } = await run(helm, ['template', name, chart, '-n', 'istio-system', ...settings], {
    maxBuffer: 64 << 20,
  });
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null);
}

async function gatewayApiCrds(): Promise<Manifest[]> {
  const dir = join(await dependencyDir('istio', 'sigs.k8s.io/gateway-api'), 'config', 'crd', 'standard');
  const documents = readdirSync(dir)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) =>
      parseAllDocuments(readFileSync(join(dir, name), 'utf8')).map((document) => document.toJS() as Manifest | null),
    );
  return documents.filter((object) => object?.kind === 'CustomResourceDefinition') as Manifest[];
}

/** istiod runs beside the cluster, not in it: its Deployment would only make a pod that serves nothing. */
function runsOutside(object: Manifest): boolean {
  return !['Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'].includes(object.kind);
}

function withWebhookUrls(object: WithWebhooks): WithWebhooks {
  if (!object.webhooks) return object;
  const webhooks = object.webhooks.map((webhook) => {
    const { service, ...rest } = webhook.clientConfig;
    return { ...webhook, clientConfig: { ...rest, url: `${webhookUrlPlaceholder}${service?.path ?? ''}` } };
  });
  return { ...object, webhooks };
}

async function stages(): Promise<string> {
  const kwok = join(await dependencyDir('kwok', 'sigs.k8s.io/kwok'), 'kustomize', 'stage', 'node');
  const files = [join(kwok, 'fast', 'node-initialize.yaml'), join(kwok, 'heartbeat', 'node-heartbeat.yaml'), podStages];
  return files.map((file) => readFileSync(file, 'utf8')).join('\n---\n');
}

function write(dir: string, name: string, objects: Manifest[]): void {
  writeFileSync(join(dir, name), JSON.stringify(objects));
}
