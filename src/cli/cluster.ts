import { Client } from '../kube/client.js';
import { connectionFromKubeConfig } from '../kube/connection.js';
import { isNotFound } from '../kube/errors.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { NAMESPACE } from '../kube/types.js';
import { CommandError } from './failures.js';

/** Which cluster a command looks at. */
export interface ClusterOptions {
  /** Path; undefined: the usual places. */
  readonly kubeconfig?: string;
  /** Undefined: the current one. */
  readonly context?: string;
}

/**
 * Does some work with a cluster.
 *
 * @throws {Error} the kubeconfig cannot be used; and whatever the work throws
 */
export async function withClient<T>(
  { kubeconfig, context }: ClusterOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = connectionFromKubeConfig({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  });
  const client = new Client({ connection, userAgent: 'sidestep-cli' });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** @throws {CommandError} there is no such namespace */
export async function checkNamespace(client: Client, name: string): Promise<void> {
  const found = await unlessMissing(client.get(NAMESPACE, { name }));
  if (!found) throw new CommandError(`there is no namespace ${name}; kubectl get namespaces shows which there are`);
}

/** All objects; none of a kind that the cluster does not have. */
export async function list<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  options: { readonly namespace?: string; readonly labelSelector?: string } = {},
): Promise<T[]> {
  const page = await unlessMissing(client.list(type, options));
  return page?.items ?? [];
}

/** What is found; undefined where there is nothing of that name, or kind. */
export async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });
}
