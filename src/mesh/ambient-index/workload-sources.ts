import { ANNOTATION, LABEL } from '../../api/labels.js';
import type { Labels } from '../policy-object.js';
import type { LocalWorkload } from '../ztunnel-config.js';
import type { Namespaces } from './namespaces.js';
import type { NetworkGateway } from './network-gateways.js';
import type { ServiceInfo } from './services.js';
import type { Waypoints } from './waypoints.js';

/** What workloads of all kinds are made from. */
export interface WorkloadSources {
  readonly namespaces: Namespaces;
  readonly waypoints: Waypoints;
  /** Services of a namespace. */
  readonly servicesIn: (namespace: string) => readonly ServiceInfo[];
  /** Those of a namespace whose selector chooses these labels; without a selector a service chooses nothing. */
  readonly servicesSelecting: (namespace: string, labels: Labels) => readonly ServiceInfo[];
  /** Names of the policies that select a workload with these labels; without any it matters whether there is no map of them. */
  readonly policiesOf: (namespace: string, labels: Labels | undefined) => readonly string[];
  readonly networkGateways: readonly NetworkGateway[];
}

/** Whatever decides how a workload is reached, and what callers are told about it. */
type Identity = Pick<
  LocalWorkload,
  'protocol' | 'nativeTunnel' | 'workloadName' | 'workloadType' | 'canonicalName' | 'canonicalRevision'
>;

const CANONICAL_NAME = ['service.istio.io/canonical-name', 'app.kubernetes.io/name', 'app'];
const CANONICAL_REVISION = ['service.istio.io/canonical-revision', 'app.kubernetes.io/version', 'version'];

/** Fields that all kinds of workloads fill in the same way. */
export function identityOf(labels: Labels, annotations: Labels, workloadName: string): Identity {
  const nativeTunnel = (labels[LABEL.tunnel] ?? '').split(',').includes('http');
  const isTunnelled = nativeTunnel || annotations[ANNOTATION.redirection] === 'enabled';
  return {
    ...(isTunnelled && { protocol: 'HBONE' }),
    ...(nativeTunnel && { nativeTunnel }),
    workloadName,
    // istiod knows of pods only, and tells old ztunnels that everything is one.
    workloadType: 'pod',
    canonicalName: firstOf(labels, CANONICAL_NAME) ?? workloadName,
    canonicalRevision: firstOf(labels, CANONICAL_REVISION) ?? 'latest',
  };
}

const firstOf = (labels: Labels, keys: readonly string[]): string | undefined =>
  keys.map((key) => labels[key]).find((value) => value !== undefined);
