import type { Gateway } from '../src/api/gateway-api.js';
import { ANNOTATION, LABEL } from '../src/api/labels.js';
import type { WaypointInputs } from '../src/mesh/waypoint-inputs.js';

type Strings = Record<string, string>;

/** What istiod calls the controller of waypoints. @see istio/istio pkg/config/constants/constants.go */
export const MESH_CONTROLLER = 'istio.io-mesh-controller';

const GATEWAY_PREFIX = 'gateway.networking.k8s.io/';
const OUR_PREFIX = 'sidestep.dev/';

/** Annotations that mean something on the Gateway only. */
const NOT_COPIED: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  ANNOTATION.gatewayNameOverride,
  ANNOTATION.gatewayServiceAccount,
  'gateway.istio.io/controller-version',
];

/** Names, labels and annotations that a Gateway's objects share. */
export interface WaypointMetadata {
  readonly namespace: string;
  /** Of Deployment, Service, HorizontalPodAutoscaler and PodDisruptionBudget: the Gateway's, unless it says otherwise. */
  readonly name: string;
  /** Name of the ServiceAccount: the Gateway's, unless it says otherwise. */
  readonly serviceAccount: string;
  /** For every object and the pods. */
  readonly labels: Strings;
  /** For every object and the pods. */
  readonly annotations: Strings;
  /** By which the pods are found. */
  readonly selector: Strings;
  readonly ownerReferences: { apiVersion: string; kind: string; name: string; uid: string }[];
}

/**
 * Names, labels and annotations as istiod derives them for class `istio-waypoint`. `spec.infrastructure` counts if it is
 * there, else what the Gateway carries itself is copied. Ours (`sidestep.dev/`) is not: it speaks to the operator, and a
 * change of it would restart the pods.
 *
 * @throws {Error} if the Gateway does not come from a cluster: it has no namespace or uid
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go, configureIstioGateway
 */
export function waypointMetadata(gateway: Gateway, { network }: WaypointInputs): WaypointMetadata {
  const { name, namespace, uid, labels = {}, annotations = {} } = gateway.metadata;
  const { gatewayClassName, infrastructure } = gateway.spec;
  if (namespace === undefined || uid === undefined) throw new Error(`Gateway ${name} has no namespace or no uid`);
  const shared = copied(infrastructure?.labels, labels);
  // The mesh's network is laid over that of `infrastructure`: istiod looks at the Gateway's own label only.
  if (network !== '' && labels[LABEL.network] === undefined) shared[LABEL.network] = network;
  const identity = { [LABEL.gatewayName]: name, [LABEL.gatewayClassName]: gatewayClassName };
  return {
    namespace,
    name: annotations[ANNOTATION.gatewayNameOverride] || name,
    serviceAccount: annotations[ANNOTATION.gatewayServiceAccount] || name,
    labels: { ...shared, ...identity },
    annotations: without((key) => NOT_COPIED.includes(key), copied(infrastructure?.annotations, annotations)),
    selector: { [LABEL.gatewayName]: name },
    ownerReferences: [{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name, uid }],
  };
}

/** Ports of the Service: that for health, and one for each port of a listener. */
export function waypointPorts({
  spec,
}: Gateway): { name: string; port: number; protocol: string; appProtocol: string }[] {
  const ports = [{ name: 'status-port', port: 15021, protocol: 'TCP', appProtocol: 'tcp' }];
  const names = new Set(['status-port']);
  const numbers = new Set<number>();
  for (const { name, port, protocol } of spec.listeners) {
    if (numbers.has(port)) continue;
    numbers.add(port);
    ports.push({ name: uniqueName(name, port, names), port, protocol: 'TCP', appProtocol: protocol.toLowerCase() });
  }
  return ports;
}

/** A port's name has no dots and 63 characters at most. @see deploymentcontroller.go, uniquePortName */
function uniqueName(listener: string, port: number, taken: Set<string>): string {
  const name = listener.replaceAll('.', '-').slice(0, 63);
  let candidate = name;
  for (let suffix = `-${port}`; taken.has(candidate); suffix += 'x')
    candidate = name.slice(0, 63 - suffix.length) + suffix;
  taken.add(candidate);
  return candidate;
}

function copied(infrastructure: Strings | undefined, own: Strings): Strings {
  if (infrastructure === undefined) return without((key) => key.startsWith(OUR_PREFIX), own);
  return without((key) => key.startsWith(OUR_PREFIX) || key.startsWith(GATEWAY_PREFIX), infrastructure);
}

function without(drops: (key: string) => boolean, strings: Strings): Strings {
  return Object.fromEntries(Object.entries(strings).filter(([key]) => !drops(key)));
}
