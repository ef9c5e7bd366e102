import { POD, type Pod } from '../../../kube/types.js';
import type { Cluster } from './cluster.js';
import { ControlLoop, keyOf, refOf, type Controller, type ControllerOptions } from './control-loop.js';
import { PERSISTENT_VOLUME_CLAIM } from './kinds.js';
import { isTerminal } from './pods.js';

const finalizer = 'kubernetes.io/pvc-protection';

/** The claims that a pod uses. */
const claimsOf = ({ spec }: Pod): string[] =>
  (spec.volumes ?? []).flatMap((volume) => {
    const { persistentVolumeClaim: claim } = volume as { persistentVolumeClaim?: { claimName: string } };
    return claim === undefined ? [] : [claim.claimName];
  });

/** Lets go of deleted claims that no pod uses any more. Rules: kubernetes/pkg/controller/volume/pvcprotection. */
export class ClaimProtectionController implements Controller {
  readonly loops: readonly ControlLoop[];
  readonly #cluster: Cluster;
  readonly #loop: ControlLoop;

  constructor({ cluster, log }: ControllerOptions) {
    this.#cluster = cluster;
    const claims = cluster.informer(PERSISTENT_VOLUME_CLAIM);
    const pods = cluster.informer(POD);
    this.#loop = new ControlLoop({ cluster, log }, 'claim-protection', [claims, pods], (key) => this.#sync(key));
    this.loops = [this.#loop];
    claims.onChange(({ object }) => this.#loop.add(keyOf(object)));
    pods.onChange(({ object, gone }) => {
      if (!gone && !isTerminal(object)) return;
      for (const name of claimsOf(object)) this.#loop.add(`${object.metadata.namespace}/${name}`);
    });
  }

  async #sync(key: string): Promise<void> {
    const claim = this.#cluster.informer(PERSISTENT_VOLUME_CLAIM).get(refOf(key));
    if (claim?.metadata.deletionTimestamp === undefined) return;
    const { name, namespace, finalizers = [] } = claim.metadata;
    const pods = this.#cluster.informer(POD).list(namespace);
    const isUsed = pods.some((pod) => !isTerminal(pod) && claimsOf(pod).includes(name));
    if (isUsed || !finalizers.includes(finalizer)) return;
    const left = finalizers.filter((each) => each !== finalizer);
    const value = left.length === 0 ? undefined : left;
    await this.#cluster.change(PERSISTENT_VOLUME_CLAIM, claim, [{ path: ['metadata', 'finalizers'], value }]);
  }
}
