import { k8s } from 'cdk8s-plus-28';
import type { Gateway } from '../src/api/gateway-api.js';
import { ANNOTATION, LABEL } from '../src/api/labels.js';
import type { WaypointInputs } from '../src/mesh/waypoint-inputs.js';
import { type Manifest, Objects } from './objects.js';
import { MESH_CONTROLLER, type WaypointMetadata, waypointMetadata, waypointPorts } from './waypoint-metadata.js';
import { type Parameters, withParameters } from './waypoint-parameters.js';
import { waypointPod } from './waypoint-pod.js';

const MANAGER = 'sidestep';
const SERVICE_TYPES: readonly string[] = ['ClusterIP', 'NodePort', 'LoadBalancer'];

/** What a waypoint is rendered from. */
export interface WaypointOptions {
  /** As it stands in the cluster, with its uid. */
  readonly gateway: Gateway;
  /** Of the Gateway's revision, with the ProxyConfigs that concern it. */
  readonly inputs: WaypointInputs;
  /** Applied in this order: sizing of ours, defaults of the class, what the Gateway's `parametersRef` names. */
  readonly parameters?: readonly Parameters[];
}

/**
 * The objects that run a waypoint, in the order in which they are applied: ServiceAccount, Deployment, Service, and if
 * parameters have their keys HorizontalPodAutoscaler and PodDisruptionBudget. They are those that istiod applies for class
 * `istio-waypoint`, but for:
 *
 * - the label `app.kubernetes.io/managed-by: sidestep` on every object, not on pods nor in selectors;
 * - the label `gateway.istio.io/managed` on pods and Service only. istiod overwrites objects that carry it; pods and Service
 *   need it (see {@link waypointPod}, and {@link marked});
 * - labels and annotations `sidestep.dev/…` of the Gateway, which are not copied;
 * - `spec.replicas` of the Deployment, which is never there, whatever parameters say: applied once and then left out it would
 *   fall back to 1. See {@link requestedReplicas}.
 *
 * @throws {ParametersError} on parameters that cannot be applied
 * @throws {Error} if the Gateway has no uid, or asks for a type of Service that does not exist
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/waypoint.yaml
 */
export function waypoint({ gateway, inputs, parameters = [] }: WaypointOptions): Manifest[] {
  const metadata = waypointMetadata(gateway, inputs);
  const { name, serviceAccount, selector } = metadata;
  const objects = new Objects()
    .add(k8s.KubeServiceAccount, { metadata: objectMetadata(metadata, serviceAccount) })
    // Plain: affinity, tolerations and the like come from the mesh's values, and may be newer than the typed classes.
    .addPlain({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: objectMetadata(metadata, name),
      spec: { selector: { matchLabels: selector }, template: waypointPod(gateway, inputs, metadata) },
    })
    .add(k8s.KubeService, service(gateway, metadata))
    .add(k8s.KubeHorizontalPodAutoscalerV2, {
      metadata: objectMetadata(metadata, name),
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 1 },
    })
    .add(k8s.KubePodDisruptionBudget, {
      metadata: objectMetadata(metadata, name),
      spec: { selector: { matchLabels: selector } },
    });
  // Parameters come last, onto plain JSON: typed classes would drop what they do not know.
  return withParameters(objects.render(), parameters).map(withoutReplicas).map(marked);
}

function objectMetadata(of: WaypointMetadata, name: string) {
  const { namespace, labels, annotations, ownerReferences } = of;
  return { name, namespace, labels, annotations, ownerReferences };
}

function service(gateway: Gateway, metadata: WaypointMetadata): k8s.KubeServiceProps {
  const type = gateway.metadata.annotations?.[ANNOTATION.serviceType] ?? 'ClusterIP';
  if (!SERVICE_TYPES.includes(type)) {
    const known = SERVICE_TYPES.join(', ');
    throw new Error(`annotation ${ANNOTATION.serviceType}: there is no type of Service ${type}; use ${known}`);
  }
  const common = objectMetadata(metadata, metadata.name);
  // A Hostname address names the Service itself.
  const address = gateway.spec.addresses?.find(({ type: kind = 'IPAddress' }) => kind === 'IPAddress')?.value;
  return {
    metadata: {
      ...common,
      annotations: { 'networking.istio.io/traffic-distribution': 'PreferClose', ...common.annotations },
    },
    spec: {
      ipFamilyPolicy: 'PreferDualStack',
      ports: waypointPorts(gateway),
      selector: metadata.selector,
      ...(address !== undefined && type === 'LoadBalancer' && { loadBalancerIp: address }),
      type,
    },
  };
}

function withoutReplicas(object: Manifest): Manifest {
  if (object.kind !== 'Deployment') return object;
  const { replicas: _, ...spec } = object.spec as Record<string, unknown>;
  return { ...object, spec };
}

/**
 * With our mark, and istiod's on the Service alone. There it keeps the Service of a namespace with `istio.io/use-waypoint`
 * from being bound to itself, and the Gateway `Programmed` while endpoints come and go. Elsewhere it would hand the object to
 * istiod, also if the Gateway or a patch brought it.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, fetchWaypointForService
 */
function marked(object: Manifest): Manifest {
  const { [LABEL.gatewayManaged]: _, ...labels } = object.metadata.labels ?? {};
  const istiods = object.kind === 'Service' ? { [LABEL.gatewayManaged]: MESH_CONTROLLER } : {};
  const metadata = { ...object.metadata, labels: { ...labels, ...istiods, [LABEL.managedBy]: MANAGER } };
  return { ...object, metadata };
}
