import { readFileSync, writeFileSync } from 'node:fs';
import { configOf, type IndexSettings, type MeshObjects } from '../../../src/mesh/ambient-index.js';
import type { LocalConfig } from '../../../src/mesh/ztunnel-config.js';
import type { Views } from './comparison.js';

/** A namespace with all that it depends on, and what istiod has said of it. */
export interface RecordedMesh {
  readonly title: string;
  readonly namespace: string;
  readonly settings: IndexSettings;
  readonly objects: MeshObjects;
  readonly istiods: LocalConfig;
}

type Listed = MeshObjects['namespaces'][number];
type Shape = true | ((value: never) => unknown) | { readonly [field: string]: Shape };

/** As it is in the file: meshes have much in common, and say of everything which of the values it is. */
interface Recording {
  readonly values: readonly unknown[];
  readonly meshes: readonly {
    readonly title: string;
    readonly namespace: string;
    readonly settings: number;
    readonly objects: Places;
    readonly istiods: Places;
  }[];
}

type Places = Readonly<Record<string, readonly number[]>>;

const FILE = new URL('recorded-meshes.json', import.meta.url);

/** Kinds of which an object of the root namespace holds for all. */
const POLICIES: ReadonlySet<string> = new Set(['authorizationPolicies', 'peerAuthentications']);

const METADATA = { name: true, namespace: true, labels: true, annotations: true } as const;
const CONTAINERS = {
  name: true,
  restartPolicy: true,
  ports: { name: true, containerPort: true, protocol: true },
} as const;

/** What is kept of objects: what `MeshObjects` says of them. */
const SHAPES: Record<keyof MeshObjects, Shape> = {
  namespaces: { metadata: METADATA },
  nodes: { metadata: { name: true, labels: true } },
  pods: {
    metadata: {
      ...METADATA,
      uid: true,
      deletionTimestamp: true,
      generateName: true,
      ownerReferences: { kind: true, name: true, controller: true },
    },
    spec: {
      nodeName: true,
      serviceAccountName: true,
      hostNetwork: true,
      containers: CONTAINERS,
      initContainers: CONTAINERS,
    },
    status: { phase: true, podIP: true, podIPs: true, conditions: readiness },
  },
  services: {
    metadata: METADATA,
    spec: {
      type: true,
      clusterIP: true,
      clusterIPs: true,
      ipFamilies: true,
      selector: true,
      internalTrafficPolicy: true,
      trafficDistribution: true,
      publishNotReadyAddresses: true,
      ports: { name: true, port: true, targetPort: true, appProtocol: true },
    },
  },
  endpointSlices: {
    metadata: METADATA,
    addressType: true,
    endpoints: { addresses: true, conditions: { ready: true }, targetRef: true },
    ports: true,
  },
  serviceEntries: { metadata: METADATA, spec: true, status: { addresses: true } },
  workloadEntries: { metadata: METADATA, spec: true },
  gateways: {
    metadata: METADATA,
    spec: { gatewayClassName: true, listeners: { port: true, protocol: true, allowedRoutes: true } },
    status: { addresses: true },
  },
  gatewayClasses: { metadata: METADATA },
  authorizationPolicies: { kind: true, metadata: METADATA, spec: true },
  peerAuthentications: {
    kind: true,
    metadata: { name: true, namespace: true, labels: true, creationTimestamp: true },
    spec: true,
  },
};

/** An EndpointSlice of a Service with a selector, which says nothing that the pods do not. */
function isManagedSlice({ metadata }: Listed): boolean {
  return metadata.labels?.['endpointslice.kubernetes.io/managed-by'] === 'endpointslice-controller.k8s.io';
}

function readiness(conditions: readonly { type: string; status: string }[]): unknown {
  return conditions.filter(({ type }) => type === 'Ready').map(({ type, status }) => ({ type, status }));
}

/** Meshes as the real istiod sees them, for tests that have none. */
export class MeshRecorder {
  readonly #meshes: RecordedMesh[] = [];

  /** Keeps a namespace of a mesh, with what it depends on: others' waypoints and Services, and the policies of all. */
  add(title: string, namespace: string, { objects, istiods }: Views, settings: IndexSettings): void {
    const near = new Set([undefined, namespace, 'shared', 'default']);
    const { systemNamespace, rootNamespace } = settings;
    const nearby = Object.entries(SHAPES).map(([kind, shape]) => {
      const isNear = ({ metadata }: Listed): boolean =>
        kind === 'namespaces'
          ? near.has(metadata.name) || metadata.name === systemNamespace
          : near.has(metadata.namespace) || (POLICIES.has(kind) && metadata.namespace === rootNamespace);
      const all: readonly Listed[] = objects[kind as keyof MeshObjects];
      const kept = all.filter((object) => isNear(object) && !isManagedSlice(object));
      return [kind, kept.map((object) => picked(object, shape))] as const;
    });
    this.#meshes.push({
      title,
      namespace,
      settings,
      objects: Object.fromEntries(nearby) as unknown as MeshObjects,
      istiods: configOf(istiods, namespace),
    });
  }

  /** Writes them into the file that {@link recordedMeshes} reads. */
  write(): void {
    const places = new Map<string, number>();
    const placeOf = (value: unknown): number => {
      const text = JSON.stringify(value);
      places.set(text, places.get(text) ?? places.size);
      return places.get(text)!;
    };
    const placesOf = (lists: MeshObjects | LocalConfig): Places => mapped<unknown, number>({ ...lists }, placeOf);
    const meshes = this.#meshes.map(({ title, namespace, settings, objects, istiods }) =>
      JSON.stringify({
        title,
        namespace,
        settings: placeOf(settings),
        objects: placesOf(objects),
        istiods: placesOf(istiods),
      }),
    );
    const lines = (all: Iterable<string>): string => `[\n${[...all].join(',\n')}\n]`;
    writeFileSync(FILE, `{"values":${lines(places.keys())},\n"meshes":${lines(meshes)}}\n`);
  }
}

/** What a run of test/controlplane/ambient-index.test.ts with `RECORD_GOLDEN=1` has recorded. */
export function recordedMeshes(): RecordedMesh[] {
  const { values, meshes } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
  const at = (place: number): unknown => values[place];
  return meshes.map(({ title, namespace, settings, objects, istiods }) => ({
    title,
    namespace,
    settings: at(settings) as IndexSettings,
    objects: mapped(objects, at) as unknown as MeshObjects,
    istiods: mapped(istiods, at) as unknown as LocalConfig,
  }));
}

function mapped<T, U>(lists: Readonly<Record<string, readonly T[]>>, map: (item: T) => U): Record<string, U[]> {
  return Object.fromEntries(Object.entries(lists).map(([name, items]) => [name, items.map(map)]));
}

function picked(value: unknown, shape: Shape): unknown {
  if (shape === true || typeof value !== 'object' || value === null) return value;
  if (typeof shape === 'function') return shape(value as never);
  if (Array.isArray(value)) return value.map((item) => picked(item, shape));
  const fields = Object.entries(shape).map(([field, of]) => [field, picked(value[field as never], of)] as const);
  return Object.fromEntries(fields.filter(([, of]) => of !== undefined));
}
