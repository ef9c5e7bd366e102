import equal from 'fast-deep-equal';
import { eventually, type Answer, type Server } from '../conformance/server.js';
import type { Golden } from './golden.js';
import { plurals, type Json } from './istiod-objects.js';

/** Creates objects in a namespace, one after the other. */
export async function create(server: Server, namespace: string, objects: Json[]): Promise<void> {
  for (const object of objects) {
    const answer = await server.post(collection(object.kind as string, namespace), object);
    if (answer.status !== 201) throw new Error(`${object.kind} ${object.metadata.name}: ${answer.text}`);
  }
}

/** The path of a kind's objects in a namespace. */
export function collection(kind: string, namespace: string): string {
  const { path, plural } = plurals[kind]!;
  return `${path}/namespaces/${namespace}/${plural}`;
}

/**
 * Looks until what is seen is what was recorded, and then tells the golden file; when recording, until it has stood still
 * for a while.
 */
export async function expectSettled(golden: Golden, name: string, look: () => Promise<unknown>): Promise<void> {
  const recorded = golden.read(name);
  let last: unknown;
  await eventually(name, async () => {
    const seen = await look();
    const isSettled = equal(seen, golden.isRecording ? last : recorded);
    last = seen;
    if (golden.isRecording) await new Promise((resolve) => setTimeout(resolve, 3_000));
    return isSettled || undefined;
  }).catch(() => undefined);
  golden.expect(name, last);
}

/** What istiod has made and written in a namespace: rendered objects in full, of others conditions and addresses. */
export async function seenIn(server: Server, namespace: string): Promise<unknown> {
  const seen: Json = {};
  for (const kind of Object.keys(plurals)) {
    const { items } = (await read(server, kind, namespace)).body as { items: Json[] };
    for (const item of items) {
      const told = isRendered(item) ? rendered(kind, item) : item.status && statusOf(item);
      if (told) seen[`${kind} ${item.metadata.name}`] = told;
    }
  }
  return normalized(seen, namespace);
}

/** Without what is different each time. */
export function normalized(value: unknown, namespace: string): unknown {
  const text = JSON.stringify(value)
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/g, 'UID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/10\.96\.\d+\.\d+/g, 'CLUSTER_IP')
    .replaceAll(/"nodePort":\d+/g, '"nodePort":0');
  return JSON.parse(text) as unknown;
}

async function read(server: Server, kind: string, namespace: string): Promise<Answer> {
  const answer = await server.get(collection(kind, namespace));
  if (answer.status !== 200) throw new Error(answer.text);
  return answer;
}

function isRendered({ metadata }: Json): boolean {
  return metadata.labels?.['gateway.istio.io/managed'] !== undefined;
}

function rendered(kind: string, { metadata, spec }: Json): Json {
  const { labels, ownerReferences } = metadata;
  const annotations = { ...metadata.annotations };
  delete annotations['deployment.kubernetes.io/revision'];
  const told = { labels, annotations, ownerReferences };
  return kind === 'ServiceAccount' ? told : { ...told, spec };
}

/** Without what controllers of Kubernetes write. */
function statusOf({ kind, metadata, status }: Json): Json | undefined {
  const { conditions, addresses, listeners, parents, attachedListenerSets } = status;
  if (kind === 'Deployment' || metadata.kind === 'Deployment' || 'observedGeneration' in status) return undefined;
  const told = { conditions, addresses, listeners, parents, attachedListenerSets };
  return Object.values(told).some((value) => value !== undefined) ? told : undefined;
}
