import { LABEL } from '../src/api/labels.js';
import { SIDESTEP_CLASS, SIDESTEP_CONTROLLER } from '../src/mesh/waypoint-gateway.js';
import { type Manifest, Objects } from './objects.js';

/** The GatewayClass of waypoints that Sidestep deploys and reports on by itself. */
export function gatewayClass(): Manifest {
  const [manifest] = new Objects()
    .addPlain({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: SIDESTEP_CLASS, labels: { [LABEL.managedBy]: 'sidestep' } },
      spec: { controllerName: SIDESTEP_CONTROLLER, description: 'Waypoints that Sidestep deploys' },
    })
    .render();
  if (!manifest) throw new Error('one object was added');
  return manifest;
}
