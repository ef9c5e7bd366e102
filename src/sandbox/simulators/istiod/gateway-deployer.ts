import type { Client } from '../../../kube/client.js';
import type { KubeObject, ResourceType } from '../../../kube/resource.js';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import type { Informers } from '../informers.js';
import { managedLabel, type ClassInfo } from './gateway-classes.js';
import { gatewayInput } from './gateway-input.js';
import { isManaged } from './gateway-names.js';
import { gatewayObjects, type RenderedObject } from './gateway-objects.js';
import type { Gateway } from './kinds.js';
import { type MeshState, systemNamespace } from './mesh-state.js';

const fieldManager = 'istio.io/gateway-controller';

/** The newest generation of controllers that this istiod is; a Gateway of a newer one is left alone. */
const controllerVersion = 5;

/** Kinds that are rendered for Gateways. */
export const renderedKinds: Readonly<Record<string, ResourceType>> = {
  ServiceAccount: SERVICE_ACCOUNT,
  Deployment: DEPLOYMENT,
  Service: SERVICE,
  HorizontalPodAutoscaler: HORIZONTAL_POD_AUTOSCALER,
  PodDisruptionBudget: POD_DISRUPTION_BUDGET,
};

/** Deploys proxies for Gateways that ask for it. */
export class GatewayDeployer {
  /** What was applied last, and the generation that came of it. */
  readonly #applied = new Map<string, { wanted: string; version: string }>();

  constructor(readonly options: { client: Client; log: Logger; informers: Informers; state: MeshState }) {
    for (const kind of Object.values(renderedKinds)) options.informers.of(kind);
  }

  /** Applies the objects of a Gateway; those that somebody else has made stay as they are. */
  async deploy(gateway: Gateway, info: ClassInfo): Promise<void> {
    const { state, log } = this.options;
    const config = state.config();
    if (info.template === undefined || config === undefined || !isManaged(gateway) || isOfNewer(gateway)) return;
    const overlays = this.#overlays(gateway);
    if (overlays === undefined) return;
    let objects: RenderedObject[];
    try {
      objects = gatewayObjects(gatewayInput(gateway, info, config), overlays);
    } catch (err) {
      // As istiod: what cannot be rendered is logged, and nothing changes.
      log.error({ err, gateway: gateway.metadata.name }, 'gateway not rendered');
      return;
    }
    for (const object of objects) await this.#apply(object);
  }

  /** Patches for the class, then for the Gateway; undefined if a ConfigMap is missing. */
  #overlays({ metadata, spec }: Gateway): Record<string, string>[] | undefined {
    const { configMaps } = this.options.state;
    const defaults = configMaps
      .list(systemNamespace)
      .filter((map) => map.metadata.labels?.['gateway.istio.io/defaults-for-class'] === spec.gatewayClassName)
      .map(({ data }) => data ?? {})
      .slice(0, 1);
    const reference = spec.infrastructure?.parametersRef;
    if (reference === undefined) return defaults;
    const own = configMaps.get({ namespace: metadata.namespace, name: reference.name });
    return own === undefined || reference.kind !== 'ConfigMap' ? undefined : [...defaults, own.data ?? {}];
  }

  async #apply(object: RenderedObject): Promise<void> {
    const { client, informers } = this.options;
    const type = renderedKinds[object.kind]!;
    const key = `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`;
    const informer = informers.of(type);
    const live = informer.get(object.metadata);
    if (live !== undefined && live.metadata.labels?.[managedLabel] === undefined) return;
    const wanted = JSON.stringify(object);
    const applied = this.#applied.get(key);
    if (live !== undefined && applied?.wanted === wanted && applied.version === versionOf(live)) return;
    const written = await client.apply(type, object, { fieldManager, force: true });
    this.#applied.set(key, { wanted, version: versionOf(written) });
    informer.written(written);
  }
}

/** Changes when anything but the status of an object does. */
function versionOf({ metadata }: KubeObject): string {
  const { uid, generation, labels, annotations } = metadata;
  return JSON.stringify([uid, generation, labels, annotations]);
}

function isOfNewer({ metadata }: Gateway): boolean {
  const version = metadata.annotations?.['gateway.istio.io/controller-version'];
  return version !== undefined && !(Number(version) <= controllerVersion);
}
