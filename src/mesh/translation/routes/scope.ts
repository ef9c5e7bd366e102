import { LABEL } from '../../../api/labels.js';
import type { PolicyObject } from '../../policy-object.js';
import { asRecord, asRecords, stringAt } from '../../policy-object.js';

/** A namespace whose VirtualServices are translated. */
export interface RouteScope {
  readonly namespace: string;
  /** Of every namespace: what is there of Services, VirtualServices, DestinationRules and HTTPRoutes. */
  readonly objects: readonly PolicyObject[];
}

/** A port of a Service. */
export interface RoutePort {
  readonly name?: string;
  readonly port: number;
  /** (`TCP`) */
  readonly protocol?: string;
  readonly appProtocol?: string;
}

/** By list of objects: these by kind, namespace and name. */
const indexes = new WeakMap<readonly PolicyObject[], ReadonlyMap<string, PolicyObject>>();

/** The object of that kind and name; undefined if there is none. */
export function objectAt(
  { objects }: RouteScope,
  kind: string,
  namespace: string,
  name: string | undefined,
): PolicyObject | undefined {
  const index =
    indexes.get(objects) ??
    new Map(objects.map((one) => [`${one.kind}/${one.metadata.namespace}/${one.metadata.name}`, one] as const));
  indexes.set(objects, index);
  return index.get(`${kind}/${namespace}/${name}`);
}

/** Ports to which HTTP may come. */
export function httpPorts(service: PolicyObject): RoutePort[] {
  const ports = asRecords(asRecord(service.spec)['ports']) as unknown as RoutePort[];
  return ports.filter(isHttp);
}

const OTHER_PROTOCOLS = /^(tcp|tls|https|udp|mongo|mysql|redis)(-|$)/;

/** @see istio.io, ops/configuration/traffic-management/protocol-selection: one that nobody names is found out */
function isHttp({ name = '', protocol = 'TCP', appProtocol }: RoutePort): boolean {
  return protocol === 'TCP' && !OTHER_PROTOCOLS.test((appProtocol ?? name).toLowerCase());
}

/** Whether callers of a Service meet a waypoint, once the namespace has one: by the Service's own address, and if nobody objects. */
export function hasWaypoint({ metadata, spec }: PolicyObject): boolean {
  const fields = asRecord(spec);
  const isCalledItself = stringAt(fields, 'type') !== 'ExternalName' && stringAt(fields, 'clusterIP') !== 'None';
  return isCalledItself && metadata.labels?.[LABEL.useWaypoint] !== 'none';
}

/** Whether an object is there as it would be generated; what others have added counts for nothing. */
export function isThere(object: PolicyObject, scope: RouteScope): boolean {
  const found = objectAt(scope, object.kind, object.metadata.namespace ?? '', object.metadata.name);
  return found !== undefined && contains(found.spec, object.spec);
}

function contains(all: unknown, part: unknown): boolean {
  if (Array.isArray(part))
    return Array.isArray(all) && all.length === part.length && part.every((one, index) => contains(all[index], one));
  if (typeof part !== 'object' || part === null) return all === part;
  return Object.entries(part).every(([field, value]) => contains(asRecord(all)[field], value));
}
