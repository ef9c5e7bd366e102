import type { ControllerSpec } from '../runtime/controller.js';
import { ambientMigration } from './ambient-migration/controller.js';
import { gateway } from './gateway/controller.js';
import { gatewayClass } from './gateway/gateway-class.js';
import type { MeshLocation } from './istio-configuration.js';
import { namespace } from './namespace/controller.js';
import { serviceAccount } from './service-account/controller.js';

/** Every controller of the operator. */
export function controllers(location: MeshLocation): readonly ControllerSpec[] {
  return [ambientMigration(location), gateway(location), gatewayClass, namespace(), serviceAccount()];
}
