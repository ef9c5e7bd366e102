import type { KubeObject } from '../../../kube/resource.js';
import { POD, type Pod } from '../../../kube/types.js';
import { isNamespaceTerminating, serverMessage, type Cluster, type Draft } from './cluster.js';
import type { ObjectEvents } from './object-events.js';

/** Creates and deletes pods for a controller, and tells of each in an Event of the owner. */
export class PodControl {
  constructor(
    readonly cluster: Cluster,
    readonly events: ObjectEvents,
  ) {}

  /**
   * @returns the pod, or undefined where the namespace is being deleted
   * @throws {Error} the server refused it; its message is the server's
   */
  async create(owner: KubeObject, draft: Draft): Promise<Pod | undefined> {
    try {
      const pod = await this.cluster.create(POD, draft);
      this.events.normal(owner, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      return pod;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      this.events.warning(owner, 'FailedCreate', `Error creating: ${serverMessage(error)}`);
      throw error;
    }
  }

  /** @throws {Error} the server refused it */
  async delete(owner: KubeObject, pod: Pod): Promise<void> {
    const { name } = pod.metadata;
    try {
      if (await this.cluster.delete(POD, pod)) this.events.normal(owner, 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      this.events.warning(owner, 'FailedDelete', `Error deleting: ${serverMessage(error)}`);
      throw new Error(`unable to delete pods: ${serverMessage(error)}`, { cause: error });
    }
  }
}
