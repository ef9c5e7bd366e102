import { LABEL } from '../src/api/labels.js';
import { OWN_ANNOTATION } from '../src/api/own-labels.js';
import type { WaypointSizing } from '../src/api/sizing.js';
import { HBONE_PORT } from '../src/mesh/waypoint-gateway.js';
import { type Manifest, Objects } from './objects.js';

/** What a Gateway of ours is to be. */
export interface WaypointGatewayOptions {
  readonly name: string;
  readonly namespace: string;
  /** (`istio-waypoint`) */
  readonly className?: string;
  /** What its traffic is addressed to; unset, Istio takes `service`. */
  readonly waypointFor?: 'service' | 'workload' | 'all';
  /** Revision of the istiod that is to own it, as the label `istio.io/rev` says. */
  readonly revision?: string;
  /** What somebody asks for. */
  readonly sizing?: WaypointSizing;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The Gateway of a waypoint, as `istioctl waypoint apply` would make it, with our mark.
 *
 * @see istio/istio istioctl/pkg/waypoint/waypoint.go, makeGateway
 */
export function waypointGateway(options: WaypointGatewayOptions): Manifest {
  const { name, namespace, className = 'istio-waypoint', waypointFor, revision, sizing, annotations } = options;
  const labels = {
    [LABEL.managedBy]: 'sidestep',
    ...(waypointFor !== undefined && { [LABEL.waypointFor]: waypointFor }),
    ...(revision !== undefined && { [LABEL.revision]: revision }),
  };
  const [gateway] = new Objects()
    .addPlain({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: {
        name,
        namespace,
        labels,
        annotations: { ...annotations, ...(sizing && { [OWN_ANNOTATION.sizing]: JSON.stringify(sizing) }) },
      },
      spec: {
        gatewayClassName: className,
        listeners: [{ name: 'mesh', port: HBONE_PORT, protocol: 'HBONE' }],
      },
    })
    .render();
  if (!gateway) throw new Error('one object was added');
  return gateway;
}
