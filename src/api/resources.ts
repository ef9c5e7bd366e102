import { ambientMigration } from './ambient-migration.js';
import type { CustomResourceDefinition } from './crd.js';

/** Every kind of ours. */
export const RESOURCES = [ambientMigration] as const;

/** The CustomResourceDefinitions of all kinds of ours, in the order in which they are installed. */
export function customResourceDefinitions(): CustomResourceDefinition[] {
  return RESOURCES.map((resource) => resource.crd());
}
