import { describe, expect, it } from 'vitest';
import { containerAmounts, podAmounts, type PodOfContainers, type Resources } from './pod-resources.js';

const asks = (cpu: number, restartPolicy?: string): PodOfContainers['containers'][number] => ({
  resources: { requests: { cpu: String(cpu) } },
  restartPolicy,
});
/** CPUs that a pod asks for, and may use. */
const cpus = (pod: PodOfContainers, defaults?: Required<Resources>): (number | undefined)[] => {
  const { requests, limits } = podAmounts(pod, defaults);
  return [requests, limits].map(({ cpu }) => (cpu === undefined ? undefined : Number(cpu) / 1e9));
};

describe('a pod asks', () => {
  it.each<[string, PodOfContainers, number | undefined]>([
    ['for nothing', { containers: [{}] }, undefined],
    ['for what its containers ask for', { containers: [asks(1), asks(2)] }, 3],
    ['for its sidecars, too', { containers: [asks(1)], initContainers: [asks(2, 'Always')] }, 3],
    ['for no init container that is smaller', { containers: [asks(3)], initContainers: [asks(2), asks(1)] }, 3],
    ['for the greatest init container', { containers: [asks(1)], initContainers: [asks(2), asks(5), asks(3)] }, 5],
    [
      'for an init container beside the sidecars before it',
      { containers: [asks(1)], initContainers: [asks(2, 'Always'), asks(5)] },
      7,
    ],
    [
      'for an init container without the sidecars after it',
      { containers: [asks(1)], initContainers: [asks(5), asks(2, 'Always')] },
      5,
    ],
    [
      'for what runs, where that is more than any start',
      { containers: [asks(4)], initContainers: [asks(5), asks(2, 'Always')] },
      6,
    ],
    ['for its runtime, too', { containers: [asks(1)], overhead: { cpu: '250m' } }, 1.25],
    ['for its runtime alone', { containers: [{}], overhead: { cpu: '250m' } }, 0.25],
    ['for what it says as a whole', { containers: [asks(1)], resources: { requests: { cpu: '5' } } }, 5],
    [
      'for what it says as a whole, and its runtime',
      { containers: [asks(1)], resources: { requests: { cpu: '5' } }, overhead: { cpu: '1' } },
      6,
    ],
  ])('%s', (_, pod, expected) => {
    expect(cpus(pod)).toEqual([expected, undefined]);
  });

  it('for its limits where it says nothing, and has the runtime’s share of them', () => {
    const pod = { containers: [{ resources: { limits: { cpu: '2' } } }] };
    expect(cpus(pod)).toEqual([2, 2]);
    expect(cpus({ ...pod, overhead: { cpu: '1' } })).toEqual([3, 3]);
  });
});

describe('a container', () => {
  const defaults = { requests: { cpu: '1', memory: '1' }, limits: { cpu: '4' } };

  it('has the defaults of LimitRanges where it says nothing', () => {
    expect(containerAmounts(undefined, defaults)).toEqual({
      requests: { cpu: 1_000_000_000n, memory: 1_000_000_000n },
      limits: { cpu: 4_000_000_000n },
    });
    expect(cpus({ containers: [{}, asks(2)] }, defaults)).toEqual([3, 8]);
  });

  it('asks for its own limit before the default', () => {
    expect(containerAmounts({ limits: { cpu: '2' } }, defaults)).toEqual({
      requests: { cpu: 2_000_000_000n, memory: 1_000_000_000n },
      limits: { cpu: 2_000_000_000n },
    });
  });
});
