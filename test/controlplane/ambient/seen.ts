import type { MeshObjects } from '../../../src/mesh/ambient-index.js';
import type { LocalConfig, LocalPolicy, LocalService, LocalWorkload } from '../../../src/mesh/ztunnel-config.js';

/*
 * How often a rule of istiod's decided something in generated meshes: in what istiod has made of it, not in what we have.
 */

export type Json = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into all kinds

/** A policy of the API server beside what istiod sends of it. */
export interface PolicyPair {
  object: Json;
  sent: LocalPolicy | undefined;
  /** Its rules as they are written. */
  rules: Json[];
}

/** A generated part of a mesh as istiod sees it. */
export interface Seen {
  objects: MeshObjects;
  policies: PolicyPair[];
  peers: { object: Json; sent: LocalPolicy | undefined }[];
  services: { object: Json; sent: LocalService[] }[];
  workloads: { object: Json; kind: string; sent: LocalWorkload }[];
  index: LocalConfig;
  labelsOf: (namespace: string) => Record<string, string>;
}

export type Count = (seen: Seen) => number;

export const count = <T>(items: readonly T[], is: (item: T) => unknown): number =>
  items.filter((item) => Boolean(is(item))).length;
