import { type Container, type PodSpec, allContainers } from '../../builtin/pod-spec.js';

/** Why a pod does not meet a standard: what, and (in brackets) who or which. */
export interface SecurityProblem {
  reason: string;
  detail: string;
}

/** One check of the Pod Security Standards. */
export interface SecurityCheck {
  /** Problems are reported in the order of ids, those of `baseline` first. */
  readonly id: string;
  /** Id of the weaker check that this one stands for. */
  readonly instead?: string;
  readonly check: (spec: PodSpec) => SecurityProblem | undefined;
}

/** The parts of `securityContext` of pods and containers that checks look at. */
export interface SecurityContext {
  allowPrivilegeEscalation?: boolean;
  appArmorProfile?: { type?: string };
  capabilities?: { add?: string[]; drop?: string[] };
  privileged?: boolean;
  procMount?: string;
  runAsNonRoot?: boolean;
  runAsUser?: number;
  seLinuxOptions?: { type?: string; user?: string; role?: string };
  seccompProfile?: { type?: string };
  sysctls?: { name: string }[];
  windowsOptions?: { hostProcess?: boolean };
}

/** `"a", "b"`. */
export const quoted = (values: Iterable<string>): string => [...values].map((value) => `"${value}"`).join(', ');
/** The word, with an `s` unless there is one. */
export const plural = (word: string, count: number): string => (count === 1 ? word : `${word}s`);
/** In order, each once. */
export const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** `container "a"`, `containers "a", "b"`. */
export function named(containers: readonly Container[]): string {
  return `${plural('container', containers.length)} ${quoted(containers.map(({ name }) => name))}`;
}

/** All containers of a pod, init containers first. */
export function containersOf(spec: PodSpec): Container[] {
  return [...allContainers(spec), ...(spec.ephemeralContainers ?? [])];
}

/** The security context of a pod or container; empty if it has none. */
export function contextOf({ securityContext }: { securityContext?: unknown }): SecurityContext {
  return securityContext ?? {};
}

/** Containers whose security context is as told. */
export function those(spec: PodSpec, is: (context: SecurityContext) => boolean): Container[] {
  return containersOf(spec).filter((container) => is(contextOf(container)));
}

/** `pod`, `containers "a", "b"`, or both: who sets something that is not allowed. */
export function setters(spec: PodSpec, isBad: (context: SecurityContext) => boolean): string | undefined {
  const bad = those(spec, isBad);
  const parts = [...(isBad(contextOf(spec)) ? ['pod'] : []), ...(bad.length > 0 ? [named(bad)] : [])];
  return parts.length > 0 ? parts.join(' and ') : undefined;
}

/** Windows has none of what is checked. */
export function isWindows(spec: PodSpec): boolean {
  return spec.os?.name === 'windows';
}

/** The pod's root is nobody on the node. */
export function usesUserNamespaces(spec: PodSpec): boolean {
  return spec.hostUsers === false;
}
