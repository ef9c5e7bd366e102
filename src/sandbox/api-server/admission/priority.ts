import type { AdmissionAttributes } from './admission-chain.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import { type AdmissionPlugin, type Draft, denied, isAbout } from './plugin.js';
import { podSpec } from './pod.js';

const group = 'scheduling.k8s.io';
const plural = 'priorityclasses';

interface PriorityClass {
  name: string;
  value: number;
  preemptionPolicy: string;
}

/** The priority of a pod is that of its class; at most one class is the default. @see plugin/pkg/admission/priority */
export function priority(cluster: ClusterView): AdmissionPlugin {
  return {
    mutate(draft) {
      if (!isAbout(draft, '', 'pods') || draft.object === undefined) return;
      if (draft.operation === 'CREATE') setPriority(cluster, draft, draft.object);
      if (draft.operation === 'UPDATE' && draft.oldObject) keepPriority(draft.object, draft.oldObject);
    },
    validate(attributes) {
      if (isAbout(attributes, group, plural) && attributes.operation !== 'DELETE')
        confirmOneDefault(cluster, attributes);
    },
  };
}

function setPriority(cluster: ClusterView, draft: Draft, pod: ApiObject): void {
  const spec = podSpec(pod);
  const found = spec.priorityClassName ? classOf(cluster, spec.priorityClassName) : defaultClass(cluster);
  if (found === undefined) throw denied(draft, `no PriorityClass with name ${spec.priorityClassName} was found`);
  const mismatch = (what: string, given: unknown, computed: unknown): Error =>
    denied(
      draft,
      `the ${what} (${String(given)}) must not be provided in pod spec; ` +
        `priority admission controller computed ${String(computed)} from the given PriorityClass name`,
    );
  if (spec.priority !== undefined && spec.priority !== found.value) {
    throw mismatch('integer value of priority', spec.priority, found.value);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== found.preemptionPolicy) {
    throw mismatch('string value of PreemptionPolicy', spec.preemptionPolicy, found.preemptionPolicy);
  }
  if (found.name !== '') spec.priorityClassName = found.name;
  spec.priority = found.value;
  spec.preemptionPolicy = found.preemptionPolicy;
}

function keepPriority(pod: ApiObject, old: ApiObject): void {
  const [spec, before] = [podSpec(pod), old['spec'] as ReturnType<typeof podSpec>];
  if (before.priority !== undefined) spec.priority ??= before.priority;
  if (before.preemptionPolicy !== undefined) spec.preemptionPolicy ??= before.preemptionPolicy;
}

function classOf(cluster: ClusterView, name: string): PriorityClass | undefined {
  const found = cluster.get({ group, plural }, { name });
  return found && read(found);
}

function defaultClass(cluster: ClusterView): PriorityClass {
  const defaults = cluster.list({ group, plural }).filter((each) => each['globalDefault'] === true);
  const [lowest] = defaults.map(read).sort((a, b) => a.value - b.value);
  return lowest ?? { name: '', value: 0, preemptionPolicy: 'PreemptLowerPriority' };
}

function read(object: ApiObject): PriorityClass {
  return {
    name: object.metadata.name,
    value: object['value'] as number,
    preemptionPolicy: (object['preemptionPolicy'] as string | undefined) ?? 'PreemptLowerPriority',
  };
}

function confirmOneDefault(cluster: ClusterView, attributes: AdmissionAttributes): void {
  if (attributes.object?.['globalDefault'] !== true) return;
  const others = cluster.list({ group, plural }).filter((each) => each['globalDefault'] === true);
  const [other] = others.filter(({ metadata }) => metadata.name !== attributes.object?.metadata.name);
  if (other === undefined) return;
  const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
  throw denied(attributes, why);
}
