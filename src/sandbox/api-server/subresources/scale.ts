import type { LabelSelector } from '../../../kube/selectors.js';
import { invalid as invalidFields } from '../builtin/field-errors.js';
import { selectorText } from '../builtin/selector-validation.js';
import { badRequest, invalid } from '../errors.js';
import { isRecord } from '../json.js';
import type { ApiObject } from '../object.js';
import type { ServedResource } from '../resource.js';
import type { OpenApiSchema } from '../schema.js';
import type { Projection } from '../subresource.js';

const kind = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const;

/** Where replicas are, as paths of fields such as `.spec.replicas`. */
type Paths = NonNullable<ServedResource['scale']>;

const ofWorkloads: Paths = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };

const fieldsOf = (path: string): string[] => path.split('.').filter((field) => field !== '');

function valueAt(object: ApiObject, path: string): unknown {
  return fieldsOf(path).reduce<unknown>((value, field) => (isRecord(value) ? value[field] : undefined), object);
}

/** The selector of a workload's pods as text; custom resources say where they have the text. */
function selectorOf(object: ApiObject, { labelSelectorPath }: Paths, custom: boolean): string | undefined {
  if (custom) return labelSelectorPath === undefined ? undefined : (valueAt(object, labelSelectorPath) as string);
  return selectorText(valueAt(object, '.spec.selector') as LabelSelector | undefined);
}

function read(object: ApiObject, { scale = ofWorkloads, custom }: ServedResource): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const wanted = (valueAt(object, scale.specReplicasPath) as number | undefined) ?? 0;
  const selector = selectorOf(object, scale, custom);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { ...(wanted !== 0 && { replicas: wanted }) },
    status: {
      replicas: (valueAt(object, scale.statusReplicasPath) as number | undefined) ?? 0,
      ...(selector && { selector }),
    },
  };
}

function write(object: ApiObject, projected: ApiObject, { scale = ofWorkloads, custom }: ServedResource): void {
  const spec = (projected.spec ?? {}) as { replicas?: number | null };
  const replicas = spec.replicas ?? 0;
  if (typeof replicas !== 'number') {
    throw badRequest(
      'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32',
    );
  }
  // Custom resources are validated as a whole.
  if (replicas < 0 && !custom) {
    const detail = 'must be greater than or equal to 0';
    throw invalid(kind, object.metadata.name, [invalidFields('spec.replicas', replicas, detail)]);
  }
  const fields = fieldsOf(scale.specReplicasPath);
  let at: Record<string, unknown> = object;
  for (const field of fields.slice(0, -1)) {
    if (!isRecord(at[field])) at[field] = {};
    at = at[field] as Record<string, unknown>;
  }
  at[fields.at(-1)!] = replicas;
}

/** How many replicas a workload has and shall have, as `autoscaling/v1` Scale: `kubectl scale`, autoscalers. */
export function scale(schema: OpenApiSchema): Projection {
  return { type: 'projection', kind, schema, read, write };
}
