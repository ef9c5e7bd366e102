import { type FindingKind, MUST_FIX, WORST_FIRST, kind } from './finding-kind.js';
import { POLICY_FINDINGS } from './findings/policy-table.js';
import { TRAFFIC_FINDINGS } from './findings/traffic-table.js';
import { TRANSLATION_FINDINGS } from './findings/translation-table.js';
import { WORKLOAD_FINDINGS } from './findings/workload-table.js';
import { WAYPOINT_FINDINGS } from './findings/waypoint-table.js';

export { type FindingKind, type Verdict, WORST_FIRST } from './finding-kind.js';

/**
 * The table of findings. Codes are a promise to users, who name them in `spec.acknowledge`: 1xxx cluster, 2xxx policy,
 * 3xxx traffic, 4xxx workload, 5xxx waypoint. A code is never given a second meaning.
 */
export const FINDINGS = {
  SST1001: kind(
    'BLOCK',
    'GatewayClass istio-waypoint is missing or not accepted: istiod runs without ambient support.',
    'Install or upgrade istiod with the ambient profile (PILOT_ENABLE_AMBIENT=true).',
    'istio.io, ambient/migrate/install-ambient-components',
    MUST_FIX,
  ),
  SST1002: kind(
    'BLOCK',
    'The injector does not give sidecars ISTIO_META_ENABLE_HBONE=true, so ambient pods would reach them in plaintext.',
    'Set meshConfig.defaultConfig.proxyMetadata.ISTIO_META_ENABLE_HBONE to "true" (the ambient profile does).',
    'istio.io, ambient/migrate/install-ambient-components, step 4',
    MUST_FIX,
  ),
  SST1003: kind(
    'BLOCK',
    'No ready ztunnel on a node that runs pods of the namespace.',
    'Make the DaemonSet ztunnel ready on that node.',
    'istio.io, ambient/migrate/install-ambient-components, step 3',
    MUST_FIX,
  ),
  SST1004: kind(
    'BLOCK',
    'No ready istio-cni agent on a node that runs pods of the namespace.',
    'Make the DaemonSet istio-cni-node ready on that node.',
    'istio.io, ambient/migrate/install-ambient-components, step 3',
    MUST_FIX,
  ),
  SST1005: kind(
    'BLOCK',
    'The sidecar injector does not answer: no pod could be created now.',
    'Bring istiod back; Sidestep goes on by itself.',
    'Kubernetes docs, Dynamic Admission Control, failure policy',
    MUST_FIX,
  ),
  SST1006: kind(
    'BLOCK',
    'A dry run shows that the injector does not inject a pod that has a sidecar today: the way back would be closed.',
    'Make injection work again for this template: compare the namespace labels with the webhook selectors.',
    'istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml',
    MUST_FIX,
  ),
  SST1007: kind(
    'BLOCK',
    'istiod does not answer: a pod that starts now would get neither certificates nor configuration from ztunnel.',
    'Bring istiod back; Sidestep goes on by itself.',
    'istio/istio pkg/webhooks/validation/controller/controller.go (the same probe)',
    MUST_FIX,
  ),
  SST1008: kind(
    'WARN',
    'istiod validates no configuration in this cluster, so Sidestep cannot tell whether it is alive before each restart.',
    'Enable global.configValidation in the istiod chart.',
    'istio/istio manifests/charts/istio-control/istio-discovery/templates/validatingwebhookconfiguration.yaml',
  ),
  SST1009: kind(
    'BLOCK',
    'The CNI agent is configured not to enrol pods of this namespace: without their sidecars they would leave the mesh.',
    'Change AMBIENT_ENABLED, EXCLUDE_NAMESPACES or AMBIENT_ENABLEMENT_SELECTOR in ConfigMap istio-cni-config.',
    'istio/istio manifests/charts/istio-cni/values.yaml (ambient.enablementSelectors, excludeNamespaces)',
    MUST_FIX,
  ),
  SST1010: kind(
    'WARN',
    'The configuration of the CNI agent is not in the namespace of istiod, so Sidestep cannot tell which pods it enrols.',
    'Check excludeNamespaces and ambient.enablementSelectors of the istio-cni chart yourself.',
    'istio/istio manifests/charts/istio-cni/templates/configmap-cni.yaml',
  ),
  ...POLICY_FINDINGS,
  ...TRANSLATION_FINDINGS,
  ...TRAFFIC_FINDINGS,
  ...WORKLOAD_FINDINGS,
  ...WAYPOINT_FINDINGS,
} satisfies Record<string, FindingKind>;

/** The code of a finding: `SST` and four digits. */
export type FindingCode = keyof typeof FINDINGS;

/** A finding on one object. */
export interface Finding {
  readonly code: FindingCode;
  /** `Kind/name`, or `Kind/namespace/name` for an object outside the migrated namespace. */
  readonly object: string;
  /** What was found on this object, one sentence. */
  readonly message: string;
  /** The field that it is about, such as `spec.rules[0].from[0].source`, the first of several; undefined: the whole object. */
  readonly path?: string;
}

/** An entry of `spec.acknowledge`. Without `object` it accepts the code on every object. */
export interface Acknowledgement {
  readonly code: string;
  readonly object?: string | undefined;
}

/** Whether a finding is about the health of the cluster (class 1xxx), which changes by itself and is never planned for. */
export function isHealthFinding(finding: Finding): boolean {
  return finding.code.startsWith('SST1');
}

/** Whether `spec.acknowledge` accepts this finding. A finding that must be fixed is never accepted. */
export function isAcknowledged(finding: Finding, acknowledged: readonly Acknowledgement[]): boolean {
  return (
    FINDINGS[finding.code].acknowledgeable &&
    acknowledged.some(
      ({ code, object }) => code === finding.code && (object === undefined || object === finding.object),
    )
  );
}

/** Whether the finding stops the migration. */
export function isBlocking(finding: Finding, acknowledged: readonly Acknowledgement[]): boolean {
  return FINDINGS[finding.code].verdict === 'BLOCK' && !isAcknowledged(finding, acknowledged);
}

/** Order for people and for the plan's hash: by code, then by object. */
export function compareFindings(a: Finding, b: Finding): number {
  return a.code === b.code ? compareText(a.object, b.object) : compareText(a.code, b.code);
}

/** Order in which findings are shown: worst first, then by code and object. */
export function compareWorstFirst(a: Finding, b: Finding): number {
  const rank = ({ code }: Finding): number => WORST_FIRST.indexOf(FINDINGS[code].verdict);
  return rank(a) - rank(b) || compareFindings(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
