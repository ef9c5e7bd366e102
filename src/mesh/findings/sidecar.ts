import type { Finding, FindingCode } from '../findings.js';
import { type PolicyObject, asRecord, asRecords } from '../policy-object.js';
import { type PolicyScope, finding, notUnderstood } from './scope.js';

const KNOWN = ['workloadSelector', 'egress', 'ingress', 'inboundConnectionPool', 'outboundTrafficPolicy'];
const REGISTRY_ONLY = 'REGISTRY_ONLY, but ztunnel lets unknown destinations pass';

/** What becomes of a Sidecar (the kind of Istio's) that applies to the namespace. */
export function sidecarFindings(sidecar: PolicyObject, scope: PolicyScope): Finding[] {
  const spec = asRecord(sidecar.spec);
  const policy = asRecord(spec['outboundTrafficPolicy']);
  // Without a mode it has the first of the enumeration (istio/api networking/v1alpha3/sidecar.proto).
  const isClosed = spec['outboundTrafficPolicy'] !== undefined && policy['mode'] !== 'ALLOW_ANY';
  const found = (code: FindingCode, paths: readonly string[], text: string): Finding[] =>
    paths.length > 0 ? [finding(code, sidecar, paths, text, scope)] : [];
  const listeners = [
    ...['ingress', 'inboundConnectionPool']
      .filter((field) => spec[field] !== undefined)
      .map((field) => `spec.${field}`),
    ...asRecords(spec['egress']).flatMap((listener, index) =>
      Object.keys(listener)
        .filter((field) => field !== 'hosts')
        .map((field) => `spec.egress[${index}].${field}`),
    ),
  ];
  const unknown = [
    ...Object.keys(spec).filter((field) => !KNOWN.includes(field)),
    ...Object.keys(policy).flatMap((field) => (field === 'mode' ? [] : [`outboundTrafficPolicy.${field}`])),
  ].map((field) => `spec.${field}`);
  const changes = [
    ...found('SST3012', isClosed ? ['spec.outboundTrafficPolicy.mode'] : [], REGISTRY_ONLY),
    ...found('SST3013', listeners, 'ambient mode has no listeners of its own for a workload'),
    ...(unknown.length > 0 ? [notUnderstood(sidecar, unknown, scope)] : []),
  ];
  return changes.length > 0 ? changes : found('SST3011', ['spec.egress'], 'ztunnel takes no such limit');
}

/** What ambient mode does not honour of the mesh's own configuration. */
export function meshSettingsFindings({ mesh }: PolicyScope): Finding[] {
  const { primaryRemote } = mesh;
  const found = (code: FindingCode, message: string): Finding => ({ code, object: mesh.object, message });
  return [
    ...(mesh.outboundTrafficPolicy === 'REGISTRY_ONLY'
      ? [found('SST3012', `${mesh.object}, field outboundTrafficPolicy.mode: ${REGISTRY_ONLY}`)]
      : []),
    ...(mesh.enableAutoMtls
      ? []
      : [found('SST3014', `${mesh.object}, field enableAutoMtls: sidecars would talk plaintext to ambient pods`)]),
    ...(primaryRemote
      ? [
          {
            code: 'SST3029' as const,
            object: primaryRemote.object,
            message: `${primaryRemote.object}, field ${primaryRemote.field}: one istiod serves several clusters`,
          },
        ]
      : []),
  ];
}
