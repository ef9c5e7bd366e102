import { isEqual } from '../json.js';
import { label1035Name } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import type { Strategy, WriteContext } from '../resource.js';
import type { FieldError } from '../errors.js';
import type { BuiltinKind } from './builtin-kind.js';
import { fill } from './pod-spec.js';
import { allocate, validateAllocation } from './service-allocation.js';
import {
  isExternal,
  needsClusterIp,
  needsNodePort,
  type ServicePort,
  serviceSpec,
  type ServiceSpec,
} from './service-spec.js';
import { validateAddressChange, validateServiceSpec } from './service-validation.js';
import { age, ageColumn, column, nameColumn, type TableForm, wideColumn } from './table-form.js';
import { selectorText } from './selector-validation.js';

const stickySeconds = 10_800;

function setDefaults(spec: ServiceSpec): void {
  fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: stickySeconds } };
  }
  for (const port of spec.ports ?? []) {
    fill(port, { protocol: 'TCP' });
    port.targetPort ||= port.port;
  }
  if (isExternal(spec)) fill(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec.type !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' });
  if (spec.type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
}

/** What a replacement leaves out is what the Service had (`patchAllocatedValues`). */
function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIp(spec) && needsClusterIp(old)) {
    const changed = spec.clusterIP !== undefined && spec.clusterIP !== old.clusterIP;
    if (changed && isEqual(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = [spec.clusterIP!];
    if (spec.clusterIP === undefined && isEqual(spec.clusterIPs ?? old.clusterIPs, old.clusterIPs)) {
      if (old.clusterIP !== undefined) Object.assign(spec, { clusterIP: old.clusterIP, clusterIPs: old.clusterIPs });
    }
    if (old.ipFamilies) fill(spec, { ipFamilies: [...old.ipFamilies] });
    if (old.ipFamilyPolicy) fill(spec, { ipFamilyPolicy: old.ipFamilyPolicy });
  }
  if (!needsNodePort(spec) || !needsNodePort(old)) return;
  const wire = ({ protocol, port }: ServicePort): string => `${protocol}/${port}`;
  const before = new Map((old.ports ?? []).map((port) => [wire(port), port.nodePort]));
  for (const port of spec.ports ?? []) {
    const nodePort = before.get(wire(port));
    if (nodePort !== undefined) port.nodePort ??= nodePort;
  }
}

/** What no longer applies after a change of the type goes, unless it was changed too (`dropTypeDependentFields`). */
function dropDependent(spec: ServiceSpec, old: ServiceSpec): void {
  const drop = (...fields: (keyof ServiceSpec)[]): void => {
    for (const field of fields) if (isEqual(spec[field], old[field])) delete spec[field];
  };
  if (needsClusterIp(old) && !needsClusterIp(spec)) drop('clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy');
  if (needsNodePort(old) && !needsNodePort(spec) && isEqual(nodePortsOf(spec), nodePortsOf(old))) {
    spec.ports?.forEach((port) => delete port.nodePort);
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts', 'loadBalancerClass');
  }
  if (isExternal(old) && !isExternal(spec)) drop('externalTrafficPolicy');
  if (old.type !== 'ExternalName' && spec.type === 'ExternalName') drop('internalTrafficPolicy');
}

const nodePortsOf = ({ ports = [] }: ServiceSpec): unknown[] => ports.map(({ nodePort }) => nodePort);

function validateWithAllocation(service: ApiObject, context: WriteContext, more: FieldError[] = []): FieldError[] {
  const errors = [...more, ...validateServiceSpec(serviceSpec(service))];
  // Upstream allocates only for what is valid.
  return errors.length > 0 ? errors : validateAllocation(service, context);
}

const strategy: Strategy = {
  nameRule: label1035Name,
  createOnUpdate: true,
  returnsDeleted: true,
  setDefaults: (service) => setDefaults(serviceSpec(service)),
  prepareForCreate: allocate,
  prepareForUpdate: (service, old, context) => {
    if (context.subresource !== '') return;
    keepAllocated(serviceSpec(service), serviceSpec(old));
    dropDependent(serviceSpec(service), serviceSpec(old));
    allocate(service, context);
  },
  validate: (service, context) => validateWithAllocation(service, context),
  validateUpdate: (service, old, context) =>
    context.subresource === 'status'
      ? []
      : validateWithAllocation(service, context, validateAddressChange(serviceSpec(service), serviceSpec(old))),
  selectableFieldNames: ['spec.clusterIP', 'spec.type'],
  selectableFields: (service) => ({
    'spec.clusterIP': serviceSpec(service).clusterIP ?? '',
    'spec.type': serviceSpec(service).type ?? '',
  }),
};

function externalIp(service: ApiObject): string {
  const { type, externalIPs = [], externalName } = serviceSpec(service);
  if (type === 'ExternalName') return externalName ?? '';
  const { loadBalancer } = (service.status ?? {}) as {
    loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] };
  };
  const assigned = (loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
  const all = [...(type === 'LoadBalancer' ? assigned : []), ...externalIPs].join(',');
  return all || (type === 'LoadBalancer' ? '<pending>' : '<none>');
}

function portTexts({ ports = [] }: ServiceSpec): string {
  const text = ({ port, nodePort, protocol }: ServicePort): string =>
    `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`;
  return ports.map(text).join(',') || '<none>';
}

const table: TableForm = {
  columns: [
    nameColumn,
    column('Type', 'Type determines how the Service is exposed.'),
    column('Cluster-IP', 'Address in the cluster; None for a headless service.'),
    column('External-IP', 'Addresses at which the service is reached from outside.'),
    column('Port(s)', 'The list of ports that are exposed by this service.'),
    ageColumn,
    wideColumn('Selector', 'Route service traffic to pods with label keys and values matching this selector.'),
  ],
  cells: (service, now) => {
    const spec = serviceSpec(service);
    return [
      service.metadata.name,
      spec.type,
      spec.clusterIPs?.[0] ?? '<none>',
      externalIp(service),
      portTexts(spec),
      age(service.metadata.creationTimestamp, now),
      selectorText({ matchLabels: spec.selector ?? {} }),
    ];
  },
};

/** `v1` Service. */
export const services: BuiltinKind = {
  group: '',
  kind: 'Service',
  shortNames: ['svc'],
  categories: ['all'],
  subresources: ['status'],
  strategy,
  table,
};
