import { describe, expect, it } from 'vitest';
import { recordedMeshes } from '../../../test/controlplane/ambient/recording.js';
import { type MeshObjects, ztunnelConfig } from '../ambient-index.js';
import { ztunnelView } from '../ztunnel-view.js';

/*
 * What test/controlplane/ambient-index.test.ts has seen the real istiod say, which shows the same of many more meshes.
 */

describe('ztunnel is told by us what istiod has told it', () => {
  it.each(recordedMeshes())('$title', ({ objects, namespace, settings, istiods }) => {
    expect(ztunnelConfig(objects, namespace, settings)).toStrictEqual(istiods);
  });
});

describe('from as few namespaces as it takes, ztunnel is told by us what istiod has told it', () => {
  it.each(recordedMeshes())('$title', async ({ objects, namespace, settings, istiods }) => {
    const of = <T extends keyof MeshObjects>(kind: T, place: string): MeshObjects[T] =>
      objects[kind].filter(({ metadata }) => metadata.namespace === place) as unknown as MeshObjects[T];
    const within = (place: string): Promise<Pick<MeshObjects, 'pods' | 'services' | 'endpointSlices'>> =>
      Promise.resolve({
        pods: of('pods', place),
        services: of('services', place),
        endpointSlices: of('endpointSlices', place),
      });
    expect(await ztunnelView({ mesh: objects, within }, namespace, settings)).toStrictEqual(istiods);
  });
});
