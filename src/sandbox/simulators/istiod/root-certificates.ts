import type { Client } from '../../../kube/client.js';
import { CONFIG_MAP, type ConfigMap, type Namespace } from '../../../kube/types.js';
import type { MeshState } from './mesh-state.js';

const ignoredNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

/** Keeps in every namespace the ConfigMaps by which proxies know istiod's certificate. */
export class RootCertificates {
  constructor(
    readonly client: Client,
    readonly state: MeshState,
    /** PEM. */
    readonly certificate: string,
  ) {}

  /** Creates what a namespace lacks. */
  async publish({ metadata, status }: Namespace): Promise<void> {
    if (status?.phase === 'Terminating' || metadata.deletionTimestamp !== undefined) return;
    if (ignoredNamespaces.includes(metadata.name)) return;
    await this.#create(metadata.name, 'istio-ca-root-cert', { 'root-cert.pem': this.certificate });
    await this.#create(metadata.name, 'istio-ca-crl', { 'ca-crl.pem': '' });
  }

  async #create(namespace: string, name: string, data: Record<string, string>): Promise<void> {
    if (this.state.configMaps.get({ namespace, name }) !== undefined) return;
    const metadata = { name, namespace, labels: { 'istio.io/config': 'true' } };
    const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
    this.state.configMaps.written(await this.client.create(CONFIG_MAP, map, { fieldManager: 'pilot-discovery' }));
  }
}
