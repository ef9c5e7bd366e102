import { isIP } from 'node:net';
import type { FieldError } from '../errors.js';
import { labelName, subdomainName } from '../writes/names.js';
import { validateLabels } from '../writes/object-meta.js';
import {
  duplicate,
  forbidden,
  invalid,
  named,
  oneOf,
  portNumber,
  portReference,
  required,
  unsupported,
} from './field-errors.js';
import { isExternal, isHeadless, needsClusterIp, type ServicePort, type ServiceSpec } from './service-spec.js';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const affinities = ['ClientIP', 'None'];
const protocols = ['SCTP', 'TCP', 'UDP'];

/** What is wrong with a Service's spec (`validateService` of core). */
export function validateServiceSpec(spec: ServiceSpec): FieldError[] {
  const { type, ports = [], selector = {} } = spec;
  return [
    ...(needsPorts(spec) && ports.length === 0 ? [required('spec.ports')] : []),
    ...validateType(spec),
    ...validatePorts(ports),
    ...validateLabels(selector, 'spec.selector'),
    ...oneOf('spec.sessionAffinity', spec.sessionAffinity, affinities),
    ...validateClusterIps(spec),
    ...oneOf('spec.type', type, types),
    ...validateNodePortUse(spec),
    ...validateDuplicates(ports),
    ...validateExternalPolicy(spec),
  ];
}

const needsPorts = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName' && !isHeadless(spec);

function validateType({ type, clusterIPs, clusterIP, externalName }: ServiceSpec): FieldError[] {
  const none = clusterIP === 'None' || clusterIPs?.[0] === 'None';
  if ((type === 'NodePort' || type === 'LoadBalancer') && none) {
    return [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type} services`)];
  }
  if (type !== 'ExternalName') return [];
  return [
    ...(clusterIPs?.length
      ? [invalid('spec.clusterIPs', clusterIPs, "may not be set when `type` is 'ExternalName'")]
      : []),
    ...(externalName
      ? named('spec.externalName', externalName.replace(/\.$/, ''), subdomainName)
      : [required('spec.externalName')]),
  ];
}

function validatePorts(ports: readonly ServicePort[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, port, protocol, targetPort }, index) => {
    const at = `spec.ports[${index}]`;
    const taken = name !== undefined && names.has(name);
    if (name) names.add(name);
    return [
      ...(!name && ports.length > 1 ? [required(`${at}.name`)] : []),
      ...(name ? named(`${at}.name`, name, labelName) : []),
      ...(taken ? [duplicate(`${at}.name`, name)] : []),
      ...portNumber(`${at}.port`, port),
      ...(protocol && protocols.includes(protocol) ? [] : [unsupported(`${at}.protocol`, protocol, protocols)]),
      ...portReference(`${at}.targetPort`, targetPort ?? 0),
    ];
  });
}

/** Two ports may not be the same on the wire. The value is printed as upstream's struct. */
function validateDuplicates(ports: readonly ServicePort[]): FieldError[] {
  const keys = ports.map(({ protocol, port }) => `${protocol}/${port}`);
  return ports.flatMap(({ protocol, port }, index) => {
    if (keys.indexOf(keys[index]!) === index) return [];
    const value = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    return [duplicate(`spec.ports[${index}]`, value)];
  });
}

function validateClusterIps(spec: ServiceSpec): FieldError[] {
  const { clusterIP, clusterIPs = [] } = spec;
  if (!needsClusterIp(spec)) return [];
  if (clusterIP && clusterIPs[0] !== clusterIP) {
    return [invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`')];
  }
  if (!clusterIP && clusterIPs.length > 0) {
    return [invalid('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified')];
  }
  if (clusterIP === 'None') {
    return clusterIPs.length > 1
      ? [invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")]
      : [];
  }
  return clusterIPs
    .map((ip, index) => ({ ip, field: `spec.clusterIPs[${index}]` }))
    .filter(({ ip }) => isIP(ip) === 0)
    .map(({ ip, field }) => invalid(field, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
}

function validateNodePortUse({ type, ports = [] }: ServiceSpec): FieldError[] {
  if (type !== 'ClusterIP') return [];
  return ports.flatMap(({ nodePort }, index) =>
    nodePort === undefined
      ? []
      : [forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'")],
  );
}

function validateExternalPolicy(spec: ServiceSpec): FieldError[] {
  const { externalTrafficPolicy: policy } = spec;
  const field = 'spec.externalTrafficPolicy';
  if (isExternal(spec)) return oneOf(field, policy, ['Cluster', 'Local']);
  return policy ? [invalid(field, policy, 'may only be set for externally-accessible services')] : [];
}

/** An address stays, unless the Service becomes or was a mere name. */
export function validateAddressChange(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (!needsClusterIp(spec) || !needsClusterIp(old)) return [];
  const { clusterIPs = [] } = spec;
  const before = old.clusterIPs?.[0];
  return before !== undefined && clusterIPs[0] !== before
    ? [invalid('spec.clusterIPs[0]', clusterIPs, 'may not change once set')]
    : [];
}
