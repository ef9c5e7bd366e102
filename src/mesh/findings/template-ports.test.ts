import { describe, expect, it } from 'vitest';
import { type TemplateWithPorts, namedPorts, probedPorts } from './template-ports.js';

type Container = NonNullable<NonNullable<TemplateWithPorts['spec']>['containers']>[number];

const labels = { app: 'web' };
const pods = (containers: Container[], more: TemplateWithPorts['spec'] = {}): TemplateWithPorts => ({
  metadata: { labels },
  spec: { containers, ...more },
});
const http = { name: 'http', containerPort: 8080 };
const unnamed = { containerPort: 9090 };

describe('the ports that the kubelet probes', () => {
  it.each<[string, TemplateWithPorts, [number, string?][]]>([
    ['by HTTP', pods([{ livenessProbe: { httpGet: { port: 8080 } } }]), [[8080]]],
    ['by TCP', pods([{ readinessProbe: { tcpSocket: { port: 5432 } } }]), [[5432]]],
    ['by gRPC', pods([{ startupProbe: { grpc: { port: 50051 } } }]), [[50051]]],
    ['by name', pods([{ ports: [unnamed, http], livenessProbe: { httpGet: { port: 'http' } } }]), [[8080, 'http']]],
    [
      'by the number of a port with a name',
      pods([{ ports: [unnamed, http], livenessProbe: { httpGet: { port: 8080 } } }]),
      [[8080, 'http']],
    ],
    [
      'by the number of a port without',
      pods([{ ports: [http, unnamed], livenessProbe: { httpGet: { port: 9090 } } }]),
      [[9090]],
    ],
    ['by a number that no port has', pods([{ ports: [http], livenessProbe: { httpGet: { port: 1 } } }]), [[1]]],
    ['by a name that no port has', pods([{ ports: [http], livenessProbe: { httpGet: { port: 'admin' } } }]), []],
    [
      'by a name that a port of another container has',
      pods([{ ports: [http] }, { livenessProbe: { httpGet: { port: 'http' } } }]),
      [],
    ],
    [
      'by each probe',
      pods([
        {
          livenessProbe: { httpGet: { port: 1 } },
          readinessProbe: { tcpSocket: { port: 2 } },
          startupProbe: { grpc: { port: 3 } },
        },
      ]),
      [[1], [2], [3]],
    ],
    [
      'of each container, and of those that come first and stay',
      pods([{ livenessProbe: { grpc: { port: 1 } } }, { livenessProbe: { grpc: { port: 2 } } }], {
        initContainers: [{ startupProbe: { grpc: { port: 3 } } }],
      }),
      [[1], [2], [3]],
    ],
    ['by a command, which needs no network', pods([{ livenessProbe: {} }]), []],
    ['of nothing that is probed', pods([{ ports: [http] }]), []],
    ["in the node's network", pods([{ livenessProbe: { grpc: { port: 1 } } }], { hostNetwork: true }), []],
    ['in their own network', pods([{ livenessProbe: { grpc: { port: 1 } } }], { hostNetwork: false }), [[1]]],
    ['of no containers', { metadata: { labels }, spec: {} }, []],
    ['of nothing', {}, []],
  ])('%s', (_, template, expected) => {
    expect(probedPorts(template)).toEqual(expected.map(([port, name]) => ({ labels, port, name })));
  });

  it('are those of pods without labels, too', () => {
    const { spec } = pods([{ livenessProbe: { grpc: { port: 1 } } }]);
    expect(probedPorts({ ...(spec && { spec }) })).toEqual([{ labels: {}, port: 1, name: undefined }]);
  });
});

describe('the ports that have a name', () => {
  it.each<[string, TemplateWithPorts, object[]]>([
    ['of a container', pods([{ ports: [http, unnamed] }]), [{ labels, name: 'http', port: 8080 }]],
    [
      'of several, and of those that come first and stay',
      pods([{ ports: [http] }, {}], { initContainers: [{ ports: [{ name: 'log', containerPort: 1 }] }] }),
      [
        { labels, name: 'http', port: 8080 },
        { labels, name: 'log', port: 1 },
      ],
    ],
    [
      'of one that comes first only',
      { spec: { initContainers: [{ ports: [http] }] } },
      [{ labels: {}, name: 'http', port: 8080 }],
    ],
    ['of no containers', { metadata: { labels }, spec: {} }, []],
    ['of nothing', {}, []],
  ])('%s', (_, template, expected) => {
    expect(namedPorts(template)).toEqual(expected);
  });
});
