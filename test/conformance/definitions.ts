import type * as z from 'zod';
import type { Resource } from '../../src/api/resource.js';
import { uniqueName, eventually, type Server } from './server.js';

/** A version of a definition of a case: the schema of `spec` and what else the case is about. */
export interface VersionParts {
  name?: string;
  served?: boolean;
  storage?: boolean;
  /** Schema of `spec`. */
  spec?: object;
  /** Schema of `status`. */
  status?: object;
  /** Instead of a schema made from {@link spec} and {@link status}. */
  schema?: object;
  subresources?: object;
  [field: string]: unknown;
}

/** A CustomResourceDefinition of a case, its group being its own. */
export interface Definition {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { group: string; names: { plural: string; kind: string; [name: string]: unknown }; [field: string]: unknown };
}

/** A definition that nothing else has, with one version `v1` unless told. */
export function definition(versions: VersionParts[] = [{}], spec: Record<string, unknown> = {}): Definition {
  const group = `${uniqueName('g')}.sidestep.test`;
  const names = { plural: 'widgets', kind: 'Widget', ...(spec['names'] as object | undefined) };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.${group}` },
    spec: { group, scope: 'Namespaced', ...spec, names, versions: versions.map(version) },
  };
}

function version(parts: VersionParts, index: number): object {
  const { spec = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, status, schema, ...rest } = parts;
  return {
    name: `v${index + 1}`,
    served: true,
    storage: index === 0,
    schema: {
      openAPIV3Schema: schema ?? { type: 'object', properties: { spec, ...(status !== undefined && { status }) } },
    },
    ...rest,
  };
}

/** Where definitions are. */
export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A defined kind, ready for objects. */
export interface Defined {
  readonly definition: Definition;
  readonly namespace: string;
  /** `v1` of the group. */
  readonly apiVersion: string;
  /** Path of the collection in the namespace, in `v1` unless told. */
  path(version?: string): string;
  /** An object in `v1`. */
  object(spec?: unknown, name?: string): Record<string, unknown> & { metadata: { name: string } };
}

/** Creates a definition, waits until objects of every served version can be listed, runs the case, and deletes it. */
export async function defined(
  server: Server,
  wanted: Definition,
  check: (kind: Defined) => Promise<void>,
): Promise<void> {
  const created = await server.post(definitionsPath, wanted);
  if (created.status !== 201) throw new Error(`definition: ${created.text}`);
  try {
    // The group is of this case alone, so that it needs no namespace of its own.
    const namespace = 'default';
    const { group, names } = wanted.spec;
    const path = (v = 'v1'): string => `/apis/${group}/${v}/namespaces/${namespace}/${names.plural}`;
    const served = (wanted.spec['versions'] as { name: string; served: boolean }[]).filter((v) => v.served);
    await eventually('the kind', async () => {
      for (const { name } of served) {
        const answer = await server.get(
          wanted.spec['scope'] === 'Cluster' ? `/apis/${group}/${name}/${names.plural}` : path(name),
        );
        if (answer.status !== 200) return undefined;
      }
      return true;
    });
    await check({
      definition: wanted,
      namespace,
      apiVersion: `${group}/v1`,
      path,
      object: (spec = {}, name = 'one') => ({
        apiVersion: `${group}/v1`,
        kind: names.kind,
        metadata: { name },
        spec,
      }),
    });
  } finally {
    await server.delete(`${definitionsPath}/${wanted.metadata.name}`);
  }
}

/** Runs a case while a kind of ours is defined; a definition that was there before stays. */
export async function withResource(
  server: Server,
  resource: Pick<Resource<z.ZodType, z.ZodType>, 'crd' | 'definition'>,
  check: () => Promise<void>,
): Promise<void> {
  const crd = resource.crd();
  const { group, version, plural } = resource.definition;
  const path = `${definitionsPath}/${crd.metadata.name}`;
  const before = (await server.get(path)).status === 200;
  if (!before) {
    const created = await server.post(definitionsPath, crd);
    if (created.status !== 201) throw new Error(`definition: ${created.text}`);
  }
  try {
    await eventually(plural, async () =>
      (await server.get(`/apis/${group}/${version}/${plural}`)).status === 200 ? true : undefined,
    );
    await check();
  } finally {
    if (!before) await server.delete(path);
  }
}
