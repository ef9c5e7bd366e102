import { apiVersionOf, namespaced, type KubeObject } from '../../src/kube/resource.js';
import type { ConfigMap } from '../../src/kube/types.js';

/*
 * The work that every contestant does: for each generation of a Widget in any namespace, one server-side apply of a ConfigMap with
 * the Widget's name and data, owned by it, and one server-side apply of `status.observedGeneration`. Both are forced and made as
 * `FIELD_MANAGER`. Widgets are read from a cache, eight are worked on at a time, and a write of the status wakes nobody.
 * `controller-runtime/main.go` does the same.
 */

/** The kind that contestants reconcile. */
export interface Widget extends KubeObject {
  spec: { data: Record<string, string> };
  status?: { observedGeneration?: number };
}

export const WIDGET = namespaced<Widget>('bench.sidestep.dev', 'v1', 'widgets', 'Widget');

/** Where all Widgets are, and the contestants' ServiceAccount. */
export const NAMESPACE = 'bench';

export const FIELD_MANAGER = 'bench';

/** How many Widgets a contestant works on at a time. */
export const WORKERS = 8;

/** The ConfigMap that a Widget asks for, as it is applied. */
export function configMapOf({ apiVersion, kind, metadata: { name, namespace, uid = '' }, spec }: Widget): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
    },
    data: spec.data,
  };
}

/** A Widget to create: about 1 kB, as objects of the field are. */
export function newWidget(name: string): Widget {
  const data = Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [`setting-${index}`, `value ${index} of ${name} `.repeat(3)]),
  );
  return {
    apiVersion: apiVersionOf(WIDGET),
    kind: WIDGET.kind,
    metadata: { name, namespace: NAMESPACE },
    spec: { data: { ...data, revision: '0' } },
  };
}

const stringMap = { type: 'object', additionalProperties: { type: 'string' } };

/** What serves Widgets. */
export const WIDGET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.bench.sidestep.dev' },
  spec: {
    group: WIDGET.group,
    scope: 'Namespaced',
    names: { plural: WIDGET.plural, singular: 'widget', kind: WIDGET.kind, listKind: 'WidgetList' },
    versions: [
      {
        name: WIDGET.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { data: stringMap } },
              status: { type: 'object', properties: { observedGeneration: { type: 'integer', format: 'int64' } } },
            },
          },
        },
      },
    ],
  },
};
