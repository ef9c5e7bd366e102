import { type LabelSelector, matchesSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import { labelName, qualifiedName, subdomainName } from '../writes/names.js';
import { validateLabels } from '../writes/object-meta.js';
import { validateContainers } from './container-validation.js';
import { duplicate, forbidden, invalid, named, oneOf, required, unsupported } from './field-errors.js';
import type { PodSpec, PodTemplate, Toleration, Volume } from './pod-spec.js';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const maxInt32 = 2 ** 31 - 1;

/** What is wrong with a pod spec (`ValidatePodSpec` of core, for what we hold). */
export function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  const { volumes = [], initContainers = [], nodeName, serviceAccountName } = spec;
  const names = new Set(volumes.map(({ name }) => name));
  return [
    ...validateVolumes(volumes, `${path}.volumes`),
    ...validateContainers(spec.containers ?? [], initContainers, names, path),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateTimes(spec, path),
    ...(serviceAccountName ? named(`${path}.serviceAccountName`, serviceAccountName, subdomainName) : []),
    ...(nodeName ? named(`${path}.nodeName`, nodeName, subdomainName) : []),
    ...validateLabels(spec.nodeSelector ?? {}, `${path}.nodeSelector`),
    ...(spec.priorityClassName ? named(`${path}.priorityClassName`, spec.priorityClassName, subdomainName) : []),
    ...(spec.tolerations ?? []).flatMap((each, index) => validateToleration(each, `${path}.tolerations[${index}]`)),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, index) =>
      named(`${path}.readinessGates[${index}].conditionType`, conditionType, qualifiedName),
    ),
  ];
}

function validateTimes(
  { terminationGracePeriodSeconds: grace, activeDeadlineSeconds: deadline }: PodSpec,
  path: string,
) {
  return [
    ...(grace === undefined ? [required(`${path}.terminationGracePeriodSeconds`)] : []),
    ...(deadline !== undefined && (deadline < 1 || deadline > maxInt32)
      ? [invalid(`${path}.activeDeadlineSeconds`, deadline, `must be between 1 and ${maxInt32}, inclusive`)]
      : []),
  ];
}

function validateVolumes(volumes: readonly Volume[], path: string): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${path}[${index}]`;
    const { name, configMap, secret, hostPath, persistentVolumeClaim } = volume;
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    const wrong = [
      ...(sources.length === 0 ? [required(at, 'must specify a volume type')] : []),
      ...sources.slice(1).map((source) => forbidden(`${at}.${source}`, 'may not specify more than 1 volume type')),
      ...(configMap && !configMap.name ? [required(`${at}.configMap.name`)] : []),
      ...(secret && !secret.secretName ? [required(`${at}.secret.secretName`)] : []),
      ...(hostPath && !hostPath.path ? [required(`${at}.hostPath.path`)] : []),
      ...(persistentVolumeClaim && !persistentVolumeClaim.claimName
        ? [required(`${at}.persistentVolumeClaim.claimName`)]
        : []),
      ...(name ? named(`${at}.name`, name, labelName) : [required(`${at}.name`)]),
      ...(names.has(name) ? [duplicate(`${at}.name`, name)] : []),
    ];
    // As upstream does: a volume that is wrong takes no name.
    if (wrong.length === 0) names.add(name);
    return wrong;
  });
}

function validateToleration(
  { key, operator, value, effect, tolerationSeconds }: Toleration,
  path: string,
): FieldError[] {
  return [
    ...(key ? named(`${path}.key`, key, qualifiedName) : []),
    ...(!key && operator !== 'Exists'
      ? [
          invalid(
            `${path}.operator`,
            operator ?? '',
            'operator must be Exists when `key` is empty, which means "match all values and all keys"',
          ),
        ]
      : []),
    ...(tolerationSeconds !== undefined && effect !== 'NoExecute'
      ? [invalid(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")]
      : []),
    ...(operator === 'Exists' && value
      ? [invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'")]
      : []),
    ...(operator && !['Equal', 'Exists'].includes(operator)
      ? [unsupported(`${path}.operator`, operator, ['Equal', 'Exists'])]
      : []),
    ...(effect && !effects.includes(effect) ? [unsupported(`${path}.effect`, effect, effects)] : []),
  ];
}

/** What is wrong with the template of a workload. */
export function validatePodTemplate({ metadata, spec }: PodTemplate, path: string): FieldError[] {
  return [...validateLabels(metadata?.labels ?? {}, `${path}.labels`), ...validatePodSpec(spec, `${path}.spec`)];
}

/** A workload's pods must be its own: the selector has to select the template's labels. */
export function validateSelected(
  selector: LabelSelector | undefined,
  template: PodTemplate,
  path: string,
): FieldError[] {
  if (matchesSelector(selector, template.metadata?.labels)) return [];
  const detail = '`selector` does not match template `labels`';
  return [invalid(`${path}.metadata.labels`, template.metadata?.labels, detail)];
}

/** Kinds whose pods run for ever allow only `restartPolicy: Always`, and no deadline. */
export function validateRunsForever({ spec }: PodTemplate, kind: string, path: string): FieldError[] {
  return [
    ...(spec.restartPolicy === 'Always'
      ? []
      : [unsupported(`${path}.spec.restartPolicy`, spec.restartPolicy, ['Always'])]),
    ...(spec.activeDeadlineSeconds === undefined
      ? []
      : [forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`)]),
  ];
}
