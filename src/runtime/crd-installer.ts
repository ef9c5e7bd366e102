import { delay, type Clock } from '../clock.js';
import type { Client } from '../kube/client.js';
import { CUSTOM_RESOURCE_DEFINITION, type CustomResourceDefinition } from '../kube/types.js';

/** Time a CRD gets to become Established, ms; it takes one second where all is well. */
const ESTABLISHED_TIMEOUT_MS = 30_000;

const POLL_MS = 200;

/**
 * Applies a CRD, which also updates one that exists, and waits until it is Established.
 *
 * @throws {Error} `crd` is no CRD; another one has its names; it is not Established after 30 s
 * @throws {ApiError} the API server refuses it
 */
export async function applyCrd(
  crd: CustomResourceDefinition,
  { client, clock, signal, fieldManager }: { client: Client; clock: Clock; signal: AbortSignal; fieldManager: string },
): Promise<void> {
  if (crd?.kind !== 'CustomResourceDefinition' || !crd.apiVersion?.startsWith('apiextensions.k8s.io/')) {
    throw new Error("not a CustomResourceDefinition of group 'apiextensions.k8s.io'");
  }
  const { name } = crd.metadata;
  let live = await client.apply(CUSTOM_RESOURCE_DEFINITION, crd, { fieldManager, force: true, signal });
  for (const giveUpMs = clock.uptime() + ESTABLISHED_TIMEOUT_MS; !hasCondition(live, 'Established', 'True');) {
    if (hasCondition(live, 'NamesAccepted', 'False')) throw new Error(`CRD ${name}: another CRD has its names`);
    if (clock.uptime() > giveUpMs) throw new Error(`CRD ${name} is not Established after ${ESTABLISHED_TIMEOUT_MS} ms`);
    await delay(clock, POLL_MS, signal);
    live = await client.get(CUSTOM_RESOURCE_DEFINITION, { name }, { signal });
  }
}

function hasCondition(crd: CustomResourceDefinition, type: string, status: string): boolean {
  return crd.status?.conditions?.some((condition) => condition.type === type && condition.status === status) ?? false;
}
