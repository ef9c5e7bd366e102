import { parse } from 'yaml';
import { isNotFound } from '../../src/kube/errors.js';
import { CONFIG_MAP } from '../../src/kube/types.js';
import type { Cluster } from './cluster.js';

/** The ConfigMap with all findings about its namespace. */
export const FINDING_LIST = 'sidestep-findings';

/** A finding as that ConfigMap lists it. */
export interface ListedFinding {
  readonly code: string;
  readonly verdict: string;
  readonly object: string;
  readonly path?: string;
  readonly message: string;
  readonly acknowledged: boolean;
}

/** What it lists; undefined while it is not there, or is no list. */
export async function listedFindings({ client }: Cluster, namespace: string): Promise<ListedFinding[] | undefined> {
  const found = await client.get(CONFIG_MAP, { namespace, name: FINDING_LIST }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });
  return (parse(found?.data?.['findings.yaml'] ?? '') ?? undefined) as ListedFinding[] | undefined;
}
