import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, inject } from 'vitest';
import { lock } from '../controlplane/lock.js';

/*
 * All files of the project share one real control plane, with its nodes, its mesh and its webhooks: so one runs at a time. In the
 * other worker there is a file of the project controlplane, if the order of files (`longest-first.ts`) is as meant.
 */

const kubeconfig = createHash('sha256').update(inject('kubeconfig')).digest('hex').slice(0, 16);
const turn = await lock(join(tmpdir(), `sidestep-conformance-${kubeconfig}`), () => undefined);
afterAll(() => turn.release());
