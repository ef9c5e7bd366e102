import { ANNOTATION } from '../../api/labels.js';
import type { Finding } from '../findings.js';
import { type Labels, type PolicyObject, asRecord, asRecords, asStrings, selects, stringAt } from '../policy-object.js';
import { type PolicyScope, finding, isExportedTo, isOwn } from './scope.js';

const isInMesh = (entry: PolicyObject): boolean => asRecord(entry.spec)['location'] === 'MESH_INTERNAL';

/**
 * What becomes of a ServiceEntry of any namespace.
 *
 * @see istio-ambient facts 5.8
 */
export function serviceEntryFindings(entry: PolicyObject, scope: PolicyScope): Finding[] {
  if (!isExportedTo(entry, scope.namespace)) {
    return [finding('SST3022', entry, 'spec.exportTo', 'ztunnel shows it to every namespace', scope)];
  }
  if (isInMesh(entry)) {
    return [
      finding(
        'SST3023',
        entry,
        'spec.location',
        'MESH_INTERNAL, but ambient mode has no workloads outside the cluster',
        scope,
      ),
    ];
  }
  const unreachable = unreachableBy(entry);
  if (unreachable !== undefined) {
    return [finding('SST3021', entry, unreachable, 'ztunnel cannot send traffic there by itself', scope)];
  }
  return isOwn(entry, scope) ? [kept(entry, 'spec.hosts', scope)] : [];
}

/** The field by which ztunnel has no address for it; undefined if it has one. */
function unreachableBy(entry: PolicyObject): string | undefined {
  const spec = asRecord(entry.spec);
  if (asStrings(spec['hosts']).some((host) => host.startsWith('*'))) return 'spec.hosts';
  if (!['STATIC', 'DNS'].includes(stringAt(spec, 'resolution') ?? 'NONE')) return 'spec.resolution';
  const isSocket = asRecords(spec['endpoints']).some(({ address }) => String(address).startsWith('unix:'));
  return isSocket ? 'spec.endpoints' : undefined;
}

/**
 * What becomes of a WorkloadEntry of the namespace: one that only ServiceEntries for the outside choose stays what it is.
 *
 * @param objects  every object: ServiceEntries and Services choose it by its labels
 */
export function workloadEntryFindings(
  entry: PolicyObject,
  objects: readonly PolicyObject[],
  scope: PolicyScope,
): Finding[] {
  const spec = asRecord(entry.spec);
  const labels = { ...asRecord(spec['labels']), ...entry.metadata.labels } as Labels;
  const choosing = objects.filter((object) => isOwn(object, scope) && chooses(object, labels));
  const isOutside =
    choosing.length > 0 &&
    choosing.every((object) => object.kind === 'ServiceEntry' && !isInMesh(object)) &&
    spec['serviceAccount'] === undefined &&
    entry.metadata.annotations?.[ANNOTATION.autoRegistrationGroup] === undefined;
  return isOutside
    ? [kept(entry, 'spec.address', scope)]
    : [finding('SST3023', entry, 'spec', 'ambient mode has no workloads outside the cluster', scope)];
}

function chooses({ kind, spec }: PolicyObject, labels: Labels): boolean {
  const selector =
    kind === 'ServiceEntry'
      ? asRecord(asRecord(spec)['workloadSelector'])['labels']
      : kind === 'Service'
        ? asRecord(spec)['selector']
        : undefined;
  return selector !== undefined && selects(asRecord(selector), labels);
}

/** A Service that not every namespace is to know. @see istio/istio issue 55163 */
export function exportFindings(service: PolicyObject, scope: PolicyScope): Finding[] {
  const exportTo = service.metadata.annotations?.[ANNOTATION.exportTo];
  if (exportTo === undefined || exportTo.split(',').some((target) => ['', '*'].includes(target.trim()))) return [];
  const field = `metadata.annotations[${ANNOTATION.exportTo}]`;
  return [finding('SST3028', service, field, `exported to ${exportTo}, which ztunnel does not look at`, scope)];
}

function kept(entry: PolicyObject, field: string, scope: PolicyScope): Finding {
  return finding('SST3020', entry, field, 'outside the mesh, as before', scope);
}
