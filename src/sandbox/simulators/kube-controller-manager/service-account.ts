import { isAlreadyExists } from '../../../kube/errors.js';
import { NAMESPACE, SERVICE_ACCOUNT } from '../../../kube/types.js';
import { isNamespaceTerminating, type Cluster } from './cluster.js';
import { ControlLoop, type Controller, type ControllerOptions } from './control-loop.js';

const name = 'default';

/** Gives every namespace its ServiceAccount `default`. Rules: kubernetes/pkg/controller/serviceaccount. */
export class ServiceAccountController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const namespaces = cluster.informer(NAMESPACE);
    const accounts = cluster.informer(SERVICE_ACCOUNT);
    this.#loop = new ControlLoop({ cluster, log }, 'service-account', [namespaces, accounts], (key) => this.#sync(key));
    this.loops = [this.#loop];
    namespaces.onChange(({ object }) => this.#loop.add(object.metadata.name));
    accounts.onChange(({ object, gone }) => {
      if (gone && object.metadata.name === name) this.#loop.add(object.metadata.namespace ?? '');
    });
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
