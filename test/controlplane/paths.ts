import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of this harness: modules, stages, policies. */
export const harnessDir = dirname(fileURLToPath(import.meta.url));

/** Root of the repository. */
export const repositoryRoot = join(harnessDir, '..', '..');

/** Everything that is built or rendered once and used by every control plane; safe to delete. */
export const cacheDir = join(repositoryRoot, '.cache', 'controlplane');
