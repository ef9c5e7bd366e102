import { describe, expect, it } from 'vitest';
import type { PodGroup, TargetService } from './selection.js';
import { servicePorts } from './service-ports.js';

type Ports = NonNullable<NonNullable<TargetService['spec']>['ports']>;

const service = (ports?: Ports): TargetService => ({ metadata: { name: 'web' }, spec: { ports } });
const pod = (...ports: PodGroup['ports']): PodGroup => ({ name: 'Deployment/web', labels: {}, ports });

describe('ports of a Service', () => {
  it.each<[string, Ports | undefined, PodGroup[], string[], [string, string[]][]]>([
    ['may be none', undefined, [], [], []],
    ['lead to the same unless they say otherwise', [{ port: 80 }], [], ['80'], [['80', ['80']]]],
    ['lead to others', [{ port: 80, targetPort: 8080 }], [], ['80'], [['8080', ['80']]]],
    [
      'may lead to one together',
      [
        { port: 80, targetPort: 8080 },
        { port: 81, targetPort: 8080 },
      ],
      [],
      ['80', '81'],
      [['8080', ['80', '81']]],
    ],
    [
      'are not those of UDP',
      [
        { port: 53, protocol: 'UDP', targetPort: 'dns' },
        { port: 80, protocol: 'TCP' },
      ],
      [],
      ['80'],
      [['80', ['80']]],
    ],
    [
      'lead to what pods call so',
      [{ port: 80, targetPort: 'http' }],
      [
        pod({ name: 'http', containerPort: 8080 }, { name: 'x', containerPort: 1 }),
        pod({ name: 'http', containerPort: 8080 }),
        pod(),
      ],
      ['80'],
      [['8080', ['80']]],
    ],
  ])('%s', (_, ports, pods, own, leadingTo) => {
    expect(servicePorts(service(ports), pods)).toEqual({ own: new Set(own), leadingTo: new Map(leadingTo) });
  });

  it.each<[string, PodGroup[]]>([
    [
      'pods have different ports of that name',
      [pod({ name: 'http', containerPort: 8080 }), pod({ name: 'http', containerPort: 9090 })],
    ],
    ['no pod has one of that name', [pod({ name: 'web', containerPort: 8080 })]],
  ])('are not known where %s', (_, pods) => {
    expect(servicePorts(service([{ port: 81 }, { port: 80, targetPort: 'http' }]), pods)).toBe('http');
  });
});
