import type { FieldError } from '../errors.js';
import { labelName, qualifiedName } from '../writes/names.js';
import {
  duplicate,
  forbidden,
  invalid,
  named,
  nonNegativeFields,
  oneOf,
  portName,
  portNumber,
  portReference,
  required,
} from './field-errors.js';
import type { Container, ContainerPort, EnvVar, Handler, Probe, ResourceRequirements } from './pod-spec.js';
import { quantityInNano } from '../../quantity.js';

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const standardResources = ['cpu', 'ephemeral-storage', 'memory'];

/** What is wrong with a pod's containers (`validateContainers`, `validateInitContainers` of core). */
export function validateContainers(
  containers: readonly Container[],
  initContainers: readonly Container[],
  volumes: ReadonlySet<string>,
  path: string,
): FieldError[] {
  if (containers.length === 0) return [required(`${path}.containers`)];
  const names = new Set<string>();
  const unique = (container: Container, at: string): FieldError[] => {
    const taken = names.has(container.name);
    names.add(container.name);
    return taken && container.name ? [duplicate(`${at}.name`, container.name)] : [];
  };
  return [
    ...containers.flatMap((container, index) => {
      const at = `${path}.containers[${index}]`;
      return [...validateCommon(container, volumes, at), ...unique(container, at), ...validateRunning(container, at)];
    }),
    ...initContainers.flatMap((container, index) => {
      const at = `${path}.initContainers[${index}]`;
      const own = container.restartPolicy === 'Always' ? validateRunning(container, at) : validateOnce(container, at);
      return [...validateCommon(container, volumes, at), ...unique(container, at), ...own];
    }),
  ];
}

function validateCommon(container: Container, volumes: ReadonlySet<string>, path: string): FieldError[] {
  const { name, image, ports = [], env = [], volumeMounts = [], imagePullPolicy, resources = {} } = container;
  return [
    ...(name ? named(`${path}.name`, name, labelName) : [required(`${path}.name`)]),
    ...(image ? [] : [required(`${path}.image`)]),
    ...validatePorts(ports, `${path}.ports`),
    ...env.flatMap((each, index) => validateEnv(each, `${path}.env[${index}]`)),
    ...validateMounts(volumeMounts, volumes, `${path}.volumeMounts`),
    ...oneOf(`${path}.imagePullPolicy`, imagePullPolicy, pullPolicies),
    ...validateResources(resources, `${path}.resources`),
  ];
}

/** Probes and hooks of a container that keeps running. */
function validateRunning(
  { lifecycle, livenessProbe, readinessProbe, startupProbe }: Container,
  path: string,
): FieldError[] {
  return [
    ...validateHandler(lifecycle?.postStart, `${path}.lifecycle.postStart`),
    ...validateHandler(lifecycle?.preStop, `${path}.lifecycle.preStop`),
    ...validateProbe(livenessProbe, `${path}.livenessProbe`, true),
    ...validateProbe(readinessProbe, `${path}.readinessProbe`),
    ...validateProbe(startupProbe, `${path}.startupProbe`, true),
  ];
}

/** An init container that ends may have neither. */
function validateOnce(container: Container, path: string): FieldError[] {
  return (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    .filter((field) => container[field] !== undefined)
    .map((field) => forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
}

function validatePorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `${path}[${index}]`;
    const { name, containerPort, hostPort, protocol } = port;
    const wrongName = name ? portName(`${at}.name`, name) : [];
    const taken = name !== undefined && wrongName.length === 0 && names.has(name);
    if (name) names.add(name);
    return [
      ...wrongName,
      ...(taken ? [duplicate(`${at}.name`, name)] : []),
      ...(containerPort ? portNumber(`${at}.containerPort`, containerPort) : [required(`${at}.containerPort`)]),
      ...(hostPort ? portNumber(`${at}.hostPort`, hostPort) : []),
      ...oneOf(`${at}.protocol`, protocol, protocols),
    ];
  });
}

function validateEnv({ name, value, valueFrom }: EnvVar, path: string): FieldError[] {
  const rule = "a valid environment variable name must consist only of printable ASCII characters other than '='";
  const sources = Object.keys(valueFrom ?? {});
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(name && !/^[ -<>-~]+$/.test(name) ? [invalid(`${path}.name`, name, rule)] : []),
    ...(valueFrom && sources.length === 0
      ? [
          invalid(
            `${path}.valueFrom`,
            '',
            'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
          ),
        ]
      : []),
    ...(sources.length > 0 && value
      ? [invalid(`${path}.valueFrom`, '', 'may not be specified when `value` is not empty')]
      : []),
    ...(sources.length > 1
      ? [invalid(`${path}.valueFrom`, '', 'may not have more than one field specified at a time')]
      : []),
  ];
}

function validateMounts(
  mounts: readonly { name: string; mountPath: string }[],
  volumes: ReadonlySet<string>,
  path: string,
): FieldError[] {
  const paths = new Set<string>();
  return mounts.flatMap(({ name, mountPath }, index) => {
    const at = `${path}[${index}]`;
    const taken = paths.has(mountPath);
    paths.add(mountPath);
    return [
      ...(name ? [] : [required(`${at}.name`)]),
      ...(volumes.has(name) ? [] : [{ type: 'Not found', field: `${at}.name`, value: name, detail: '' } as const]),
      ...(mountPath ? [] : [required(`${at}.mountPath`)]),
      ...(taken ? [invalid(`${at}.mountPath`, mountPath, 'must be unique')] : []),
    ];
  });
}

function validateResources({ limits = {}, requests = {} }: ResourceRequirements, path: string): FieldError[] {
  return [
    ...Object.entries(limits).flatMap(([name, value]) => validateResource(name, value, `${path}.limits`)),
    ...Object.entries(requests).flatMap(([name, value]) => {
      const limit = limits[name];
      const over = limit !== undefined && quantityInNano(value) > quantityInNano(limit);
      return [
        ...(over
          ? [invalid(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`)]
          : []),
        ...validateResource(name, value, `${path}.requests`),
      ];
    }),
  ];
}

function validateResource(name: string, value: string, path: string): FieldError[] {
  const at = `${path}[${name}]`;
  const standard = standardResources.includes(name) || name.startsWith('hugepages-');
  return [
    ...named(at, name, qualifiedName),
    ...(standard || name.includes('/')
      ? []
      : [
          invalid(at, name, 'must be a standard resource type or fully qualified'),
          invalid(at, name, 'must be a standard resource for containers'),
        ]),
    ...(quantityInNano(value) < 0n ? [invalid(at, value, 'must be greater than or equal to 0')] : []),
  ];
}

function validateProbe(probe: Probe | undefined, path: string, onceIsSuccess = false): FieldError[] {
  if (probe === undefined) return [];
  return [
    ...validateHandler(probe, path),
    ...nonNegativeFields(path, probe, 'initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold'),
    ...nonNegativeFields(path, probe, 'failureThreshold'),
    ...(onceIsSuccess && probe.successThreshold !== 1
      ? [invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1')]
      : []),
  ];
}

function validateHandler(handler: Handler | undefined, path: string): FieldError[] {
  if (handler === undefined) return [];
  const used = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (kind) => handler[kind] !== undefined,
  );
  if (used.length === 0) return [required(path, 'must specify a handler type')];
  const { exec, httpGet, tcpSocket, grpc } = handler;
  const first: Record<string, () => FieldError[]> = {
    exec: () => (exec?.command?.length ? [] : [required(`${path}.exec.command`)]),
    httpGet: () => portReference(`${path}.httpGet.port`, httpGet?.port ?? 0),
    tcpSocket: () => portReference(`${path}.tcpSocket.port`, tcpSocket?.port ?? 0),
    grpc: () => portNumber(`${path}.grpc.port`, grpc?.port),
  };
  return [
    ...(first[used[0]!]?.() ?? []),
    ...used.slice(1).map((kind) => forbidden(`${path}.${kind}`, 'may not specify more than 1 handler type')),
  ];
}
