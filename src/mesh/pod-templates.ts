import { LABEL } from '../api/labels.js';
import { type MeshPod, isGateway } from './dataplane.js';
import { type Labels, type PolicyObject, asRecord, asRecords } from './policy-object.js';

type Fields = Readonly<Record<string, unknown>>;

/** Where the pod template of a kind is. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['template'],
  StatefulSet: ['template'],
  DaemonSet: ['template'],
  ReplicaSet: ['template'],
  ReplicationController: ['template'],
  Rollout: ['template'],
  Job: ['template'],
  CronJob: ['jobTemplate', 'spec', 'template'],
};

/** An object that makes pods, and what it makes them from. */
export interface Templated {
  readonly object: PolicyObject;
  /** As it is written, and `spec.containers` a list in any case. */
  readonly template: Fields;
}

/** Those among objects that make pods. */
export function podTemplates(objects: readonly PolicyObject[]): Templated[] {
  return objects.flatMap((object) => {
    const path = TEMPLATES[object.kind];
    if (path === undefined) return [];
    const template = asRecord(
      referencedTemplate(object, objects) ?? path.reduce<unknown>((value, key) => asRecord(value)[key], object.spec),
    );
    const spec = asRecord(template['spec']);
    return [{ object, template: { ...template, spec: { ...spec, containers: asRecords(spec['containers']) } } }];
  });
}

/** The pod template that a Rollout of Argo without its own takes from a Deployment; undefined: none, or there is no such Deployment. */
export function referencedTemplate({ kind, metadata, spec }: PolicyObject, objects: readonly PolicyObject[]): unknown {
  const { template, workloadRef } = asRecord(spec);
  const ref = asRecord(workloadRef);
  if (kind !== 'Rollout' || asPresent(template) || ref['kind'] !== 'Deployment') return undefined;
  const found = objects.find(
    (one) =>
      one.kind === 'Deployment' && one.metadata.name === ref['name'] && one.metadata.namespace === metadata.namespace,
  );
  return asRecord(found?.spec)['template'];
}

/** Helm writes null for what is not there. */
const asPresent = (value: unknown): boolean => value !== undefined && value !== null;

/** Labels of a pod template. */
export const labelsIn = (template: Fields): Labels => asRecord(asRecord(template['metadata'])['labels']) as Labels;

/** A pod as its template says it. */
export const asPod = (template: Fields): MeshPod => ({
  metadata: asRecord(template['metadata']),
  spec: asRecord(template['spec']),
});

/** Whether only the labels of the namespace tell if pods of a template get a sidecar. Gateways have none in any case. */
export function isLeftToNamespace(template: Fields): boolean {
  return (
    !isGateway(asPod(template)) && !isInjected(template, {}) && isInjected(template, { [LABEL.injection]: 'enabled' })
  );
}

/**
 * Whether the injector, of any revision, gives a sidecar to pods of a template: the namespace is asked first, and the pod can refuse,
 * by a label or, where it has none, by an annotation of the same name. An annotation asks for nothing.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml; pkg/kube/inject/inject.go, injectRequired
 */
export function isInjected(template: Fields, namespace: Labels): boolean {
  const labels = labelsIn(template);
  if (asRecord(template['spec'])['hostNetwork'] === true) return false;
  const said = labels[LABEL.inject] ?? asPod(template).metadata.annotations?.[LABEL.inject] ?? '';
  if (said !== '' && !/^(y|yes|true|on)$/i.test(said)) return false;
  // Whatever it says: every other rule asks for namespaces without this label.
  if (namespace[LABEL.injection] !== undefined) return namespace[LABEL.injection] === 'enabled';
  if (namespace[LABEL.revision] !== undefined) return true;
  return labels[LABEL.inject] === 'true' || labels[LABEL.revision] !== undefined;
}
