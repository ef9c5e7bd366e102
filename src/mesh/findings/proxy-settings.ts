import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords } from '../policy-object.js';
import { type PolicyScope, finding } from './scope.js';

/** What becomes of an EnvoyFilter that applies to the namespace; nothing if it is for gateways only. */
export function envoyFilterFindings(filter: PolicyObject, scope: PolicyScope): Finding[] {
  const patches = asRecords(asRecord(filter.spec)['configPatches']);
  // A bootstrap patch has no context.
  const isForGateways = patches.every(
    ({ applyTo, match }) => applyTo !== 'BOOTSTRAP' && asRecord(match)['context'] === 'GATEWAY',
  );
  if (patches.length > 0 && isForGateways) return [];
  return [finding('SST3015', filter, 'spec.configPatches', 'neither ztunnel nor a waypoint applies it', scope)];
}

/** What becomes of a Telemetry, without targetRefs, that applies to the namespace. */
export function telemetryFindings(telemetry: PolicyObject, scope: PolicyScope): Finding[] {
  const { waypoint, rootNamespace } = scope;
  const isWide = asRecord(telemetry.spec)['selector'] === undefined;
  const reaches = [waypoint?.namespace, rootNamespace].includes(telemetry.metadata.namespace);
  return waypoint && isWide && reaches
    ? [finding('SST3018', telemetry, 'spec', `waypoint ${waypoint.name} takes it`, scope)]
    : [finding('SST3017', telemetry, 'spec', 'ztunnel does not read it', scope)];
}
