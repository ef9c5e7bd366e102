import { isAlreadyExists } from '../../../kube/errors.js';
import { CONFIG_MAP, NAMESPACE } from '../../../kube/types.js';
import { isNamespaceTerminating, type Cluster } from './cluster.js';
import { ControlLoop, type Controller, type ControllerOptions } from './control-loop.js';

const name = 'kube-root-ca.crt';

const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal ' +
  'service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Puts the API server's certificate authority into every namespace. Rules: kubernetes/pkg/controller/certificates/rootcacertpublisher. */
export class RootCertificateController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;
  readonly #certificate: string;

  /** @param options.certificate  PEM */
  constructor({ cluster, log, certificate }: ControllerOptions & { certificate: string }) {
    this.#cluster = cluster;
    this.#certificate = certificate;
    const namespaces = cluster.informer(NAMESPACE);
    const maps = cluster.informer(CONFIG_MAP);
    this.#loop = new ControlLoop({ cluster, log }, 'root-certificate', [namespaces, maps], (key) => this.#sync(key));
    this.loops = [this.#loop];
    namespaces.onChange(({ object }) => this.#loop.add(object.metadata.name));
    maps.onChange(({ object }) => {
      if (object.metadata.name === name) this.#loop.add(object.metadata.namespace ?? '');
    });
  }

  async #sync(namespace: string): Promise<void> {
    const found = this.#cluster.informer(NAMESPACE).get({ name: namespace });
    if (found?.status?.phase !== 'Active') return;
    const data = { 'ca.crt': this.#certificate };
    const annotations = { 'kubernetes.io/description': description };
    const existing = this.#cluster.informer(CONFIG_MAP).get({ namespace, name });
    if (existing !== undefined) {
      const path = ['metadata', 'annotations', 'kubernetes.io/description'];
      await this.#cluster.change(CONFIG_MAP, existing, [
        { path: ['data'], value: data },
        { path, value: description },
      ]);
      return;
    }
    try {
      await this.#cluster.create(CONFIG_MAP, { metadata: { name, namespace, annotations }, data });
    } catch (error) {
      if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
    }
  }
}
