import { LABEL } from '../../api/labels.js';
import { GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import {
  AUTHORIZATION_POLICY,
  PEER_AUTHENTICATION,
  REQUEST_AUTHENTICATION,
  SERVICE_ENTRY,
  WORKLOAD_ENTRY,
} from '../../api/istio.js';
import type { KubeObject } from '../../kube/resource.js';
import {
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  NAMESPACE,
  POD,
  type Pod,
  SERVICE,
  type Service,
  STATEFUL_SET,
} from '../../kube/types.js';
import type { BoundObject, Move } from '../../mesh/moments.js';
import { addressesOf, moveMesh } from '../../mesh/move-mesh.js';
import type { ProofInput } from '../../mesh/move-proof.js';
import { pictureSettings } from '../../mesh/picture-settings.js';
import type { Labels, PolicyObject } from '../../mesh/policy-object.js';
import { isClosed } from '../../mesh/translation/ways-around.js';
import type { Stores } from '../../runtime/stores.js';
import { ARGO_ROLLOUT } from '../../kube/argo-rollouts.js';
import { istiodConfiguration, type MeshLocation } from '../istio-configuration.js';
import { changeFor, hasAddress, selects, targetsOf } from './binding.js';
import type { Waypoint } from './intended-waypoint.js';
import type { Observed } from './observed.js';
import { orderFindings } from './restart-order.js';
import { isChosen, wantedWaypoint } from './scope.js';
import { askerOf } from './situation.js';
import { isPerWorkload, translationOf } from './translation.js';
import { templateLabels } from './workloads.js';

/** Name of the store index of pods by what tells callers apart. */
export const CALLER_INDEX = 'caller';

/** Everything else that the proof reads, of the whole cluster. */
const KINDS = [
  NAMESPACE,
  SERVICE,
  GATEWAY,
  GATEWAY_CLASS,
  AUTHORIZATION_POLICY,
  REQUEST_AUTHENTICATION,
  PEER_AUTHENTICATION,
  SERVICE_ENTRY,
  WORKLOAD_ENTRY,
  DEPLOYMENT,
  STATEFUL_SET,
  DAEMON_SET,
  CRON_JOB,
  ARGO_ROLLOUT,
] as const;

/**
 * What the proof of a migration is made from, as the caches have it.
 *
 * @throws {YAMLParseError} istiod's configuration is no YAML
 */
export function proofInput(observed: Observed, stores: Stores, location: MeshLocation): ProofInput {
  const namespace = observed.namespace.metadata.name;
  const configuration = istiodConfiguration(stores, location) ?? { mesh: {}, values: {} };
  const settings = pictureSettings(configuration, location.istioNamespace);
  const move = moveOf(observed);
  const objects = KINDS.flatMap((type) => stores.of<KubeObject>(type).list() as readonly PolicyObject[]);
  const pods = podsOf(stores, namespace) as readonly PolicyObject[];
  const addresses = (): string[] => addressesOf(stores.of(POD).list());
  return {
    objects: moveMesh([...objects, ...pods], { namespace, waypoint: move.waypoint, settings, addresses }),
    settings,
    move,
  };
}

/** Those of the namespace, and elsewhere one for all that no one can tell apart. */
function podsOf(stores: Stores, namespace: string): Pod[] {
  const pods = stores.of(POD);
  const callers = pods.indexed(CALLER_INDEX).map((kind) => first(pods.byIndex(CALLER_INDEX, kind)));
  return [...pods.list(namespace), ...callers.filter(({ metadata }) => metadata.namespace !== namespace)];
}

/** Always the same of the same. */
const first = (pods: readonly Pod[]): Pod => pods.reduce((a, b) => (a.metadata.name < b.metadata.name ? a : b));

/** What the migration is going to do. Pure. */
export function moveOf(observed: Observed): Move {
  const namespace = observed.namespace.metadata.name;
  const waypoint = wantedWaypoint(observed);
  const { forms = [] } = translationOf(observed)?.forms ?? {};
  const perWorkload = isPerWorkload(observed);
  // Somebody may have acknowledged that callers are late.
  const isOrdered = !orderFindings(observed).some(({ code }) => code === 'SST2041');
  return {
    namespace,
    waypoint: waypoint && { name: waypoint.name, namespace: waypoint.namespace },
    written: forms.flatMap(({ objects }) => objects),
    bound: waypoint ? boundObjects(observed, waypoint) : [],
    isPerWorkload: perWorkload,
    ...(perWorkload && isOrdered && { closed: (labels: Labels) => isClosed(forms, labels) }),
  };
}

/** Labels that are there already are somebody's, and stay. */
function boundObjects(observed: Observed, waypoint: Waypoint): BoundObject[] {
  const targets = targetsOf(observed, waypoint).flatMap(({ kind, object, labels: wanted }): BoundObject[] => {
    if (kind === 'ServiceAccount') return [];
    const { labels = {} } = changeFor({ object, labels: wanted }, askerOf(observed)) ?? {};
    const set = Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
    return set.length === 0 ? [] : [{ kind, name: object.metadata.name, labels: Object.fromEntries(set) }];
  });
  return waypoint.scope === 'ServiceAccount' ? [...targets, ...ofAccounts(observed, waypoint)] : targets;
}

/** Services that the controller `service-account` binds once the accounts are labelled: those all of whose pods run under such. */
function ofAccounts(observed: Observed, waypoint: Waypoint): BoundObject[] {
  const accounts = new Set(
    targetsOf(observed, waypoint).flatMap(({ kind, object }) =>
      kind === 'ServiceAccount' ? object.metadata.name : [],
    ),
  );
  const isServed = (service: Service): boolean => {
    const used = observed.workloads
      .filter((one) => selects(service, templateLabels(one)))
      .map(({ template }) => template.spec.serviceAccountName ?? 'default');
    return used.length > 0 && used.every((account) => accounts.has(account));
  };
  const labels = {
    [LABEL.useWaypoint]: waypoint.name,
    ...(!waypoint.own && { [LABEL.useWaypointNamespace]: waypoint.namespace }),
    ...(waypoint.needed && { [LABEL.ingressUseWaypoint]: 'true' }),
  };
  return observed.waypoint.services
    .filter((service) => hasAddress(service) && !isChosen(service, waypoint) && isServed(service))
    .map(({ metadata }) => ({ kind: 'Service', name: metadata.name, labels }));
}
