import { asRecord, asStrings, stringAt } from './policy-object.js';

/** The part of Istio's mesh configuration (`MeshConfig`) that changes what policies mean. */
export interface MeshSettings {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  /** `ALLOW_ANY` or `REGISTRY_ONLY`. */
  readonly outboundTrafficPolicy: string;
  readonly enableAutoMtls: boolean;
  /** What says that one istiod serves several clusters, this one among them; undefined if nothing does. */
  readonly primaryRemote?: { readonly object: string; readonly field: string } | undefined;
  /** `Kind/namespace/name` of the object that holds the configuration, for findings. */
  readonly object: string;
}

/**
 * Reads it; what is absent has Istio's default.
 *
 * @param mesh  what is under the key `mesh` of the ConfigMap
 */
export function meshSettings(mesh: Readonly<Record<string, unknown>>, object: string): MeshSettings {
  return {
    trustDomain: stringAt(mesh, 'trustDomain') ?? 'cluster.local',
    trustDomainAliases: asStrings(mesh['trustDomainAliases']),
    outboundTrafficPolicy: stringAt(asRecord(mesh['outboundTrafficPolicy']), 'mode') ?? 'ALLOW_ANY',
    enableAutoMtls: mesh['enableAutoMtls'] !== false,
    object,
  };
}
