import { Yaml } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Gateway } from '../src/api/gateway-api.js';
import { LABEL } from '../src/api/labels.js';
import { parametersName } from '../src/mesh/waypoint-gateway.js';
import { type Manifest, Objects } from './objects.js';
import type { SizingPatches } from './waypoint-sizing.js';

/**
 * The ConfigMap by which istiod sizes the waypoint that it deploys, for `spec.infrastructure.parametersRef` of the Gateway. It goes
 * with the Gateway.
 *
 * @param gateway  as it stands in the cluster, with its uid
 * @throws {Error} if the Gateway has no uid
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go, applyOverlay: a value is a strategic merge patch in YAML
 */
export function gatewayParameters(gateway: Gateway, patches: SizingPatches): Manifest {
  const { name, namespace, uid } = gateway.metadata;
  if (namespace === undefined || uid === undefined) throw new Error(`Gateway ${name} has no namespace or no uid`);
  const [configMap] = new Objects()
    .add(k8s.KubeConfigMap, {
      metadata: {
        name: parametersName(gateway),
        namespace,
        labels: { [LABEL.managedBy]: 'sidestep' },
        ownerReferences: [{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name, uid }],
      },
      data: Object.fromEntries(Object.entries(patches).map(([key, patch]) => [key, Yaml.stringify(patch)])),
    })
    .render();
  if (!configMap) throw new Error('one object was added');
  return configMap;
}
