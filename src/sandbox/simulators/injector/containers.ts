import type { Container, Pod } from '../../../kube/types.js';
import { proxyContainer } from './template-input.js';

/** A container, or else an init container, of that name. */
export function findContainer(pod: Pod, name: string): Container | undefined {
  const named = (container: Container): boolean => container.name === name;
  return pod.spec.containers.find(named) ?? pod.spec.initContainers?.find(named);
}

/** The proxy of a pod, be it a container or a native sidecar. */
export function findProxy(pod: Pod): Container | undefined {
  return findContainer(pod, proxyContainer);
}

/** The list with the containers of these names before all others, in the order of `names`. */
export function movedFirst(containers: readonly Container[], ...names: string[]): Container[] {
  const moved = names.flatMap((name) => containers.filter((container) => container.name === name));
  return [...moved, ...containers.filter(({ name }) => !names.includes(name))];
}

/** The list with the container of this name behind all others. */
export function movedLast(containers: readonly Container[], name: string): Container[] {
  return [...containers.filter((other) => other.name !== name), ...containers.filter((other) => other.name === name)];
}
