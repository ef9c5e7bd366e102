import { matchesSelector } from '../../../kube/selectors.js';
import { POD, type Pod } from '../../../kube/types.js';
import { statesOf } from '../informers.js';
import type { Cluster } from './cluster.js';
import { keyOf, type ControlLoop } from './control-loop.js';
import { SERVICE } from './endpoint-kinds.js';

/** Adds the Services that select a pod whenever it changes, and those that did before. */
export function addServicesOf(cluster: Cluster, loop: ControlLoop): void {
  const addServices = ({ metadata }: Pod): void => {
    for (const service of cluster.informer(SERVICE).list(metadata.namespace)) {
      const { selector } = service.spec;
      if (selector && matchesSelector({ matchLabels: selector }, metadata.labels)) loop.add(keyOf(service));
    }
  };
  cluster.informer(POD).onChange((change) => statesOf(change).forEach(addServices));
}
