import type { ControllerSpec } from '../runtime/controller.js';
import { ambientMigration } from './ambient-migration/controller.js';
import type { MeshLocation } from './ambient-migration/observed.js';

/** Every controller of the operator. */
export function controllers(location: MeshLocation): readonly ControllerSpec[] {
  return [ambientMigration(location)];
}
