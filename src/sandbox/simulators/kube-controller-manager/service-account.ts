import { isAlreadyExists } from '../../../kube/errors.js';
import { isNamespaceTerminating, type Cluster } from './cluster.js';
import { ControlLoop, type Controller, type ControllerOptions } from './control-loop.js';
import { NAMESPACE, SERVICE_ACCOUNT } from './kinds.js';

const name = 'default';

/** Gives every namespace its ServiceAccount `default`. Rules: kubernetes/pkg/controller/serviceaccount. */
export class ServiceAccountController implements Controller {
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const namespaces = cluster.informer(NAMESPACE);
    const accounts = cluster.informer(SERVICE_ACCOUNT);
    this.#loop = new ControlLoop({
      name: 'service-account',
      clock: cluster.clock,
      log,
      sync: (namespace) => this.#sync(namespace),
      sources: [namespaces, accounts],
    });
    namespaces.onChange(({ object }) => this.#loop.add(object.metadata.name));
    accounts.onChange(({ object, gone }) => {
      if (gone && object.metadata.name === name) this.#loop.add(object.metadata.namespace ?? '');
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #sync(namespace: string): Promise<void> {
    const found = this.#cluster.informer(NAMESPACE).get({ name: namespace });
    if (found?.status?.phase !== 'Active') return;
    if (this.#cluster.informer(SERVICE_ACCOUNT).get({ namespace, name }) !== undefined) return;
    try {
      await this.#cluster.create(SERVICE_ACCOUNT, { metadata: { name, namespace } });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  }
}
