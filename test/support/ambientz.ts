/** A workload as istiod's ambient index has it; fields with their default value are left out by istiod. */
export interface AmbientWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly tunnelProtocol?: string;
  /** The workload speaks HBONE itself: it has a sidecar. */
  readonly nativeTunnel?: boolean;
}

/** What istiod sends to ztunnel about a pod (`/debug/ambientz`), if it has seen it. */
export async function ambientWorkload(
  istiodUrl: string,
  namespace: string,
  pod: string,
): Promise<AmbientWorkload | undefined> {
  const answer = await fetch(`${istiodUrl}/debug/ambientz`);
  const { workloads } = (await answer.json()) as { workloads?: { workload?: AmbientWorkload }[] };
  const all = (workloads ?? []).map((entry) => entry.workload ?? (entry as unknown as AmbientWorkload));
  return all.find((workload) => workload.namespace === namespace && workload.name === pod);
}
