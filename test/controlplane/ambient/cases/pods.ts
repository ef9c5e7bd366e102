import { container, deployment, job, pod } from '../objects.js';
import { type AmbientCase } from './case.js';

/** Pods of all kinds. */
export const pods: readonly AmbientCase[] = [
  {
    title: 'a pod is named after its Deployment, Job or label',
    objects: () => [
      deployment('web', {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web', 'app.kubernetes.io/name': 'shop', version: 'v2' } },
          spec: { containers: [container()] },
        },
      }),
      job('report-28123456', {
        template: {
          metadata: { annotations: { 'sidestep.dev/test': 'keep-running' } },
          spec: { containers: [container()], restartPolicy: 'Never' },
        },
      }),
      pod('bare', {
        labels: { 'service.istio.io/workload-name': 'given', 'service.istio.io/canonical-revision': 'r' },
      }),
    ],
    look: ({ workloads }) =>
      workloads.map(({ workloadName, canonicalName, canonicalRevision }) => [
        workloadName,
        canonicalName,
        canonicalRevision,
      ]),
    is: () => [
      ['given', 'given', 'r'],
      ['report', 'report', 'latest'],
      ['web', 'shop', 'v2'],
    ],
  },
  {
    title: 'a pod that is not ready is unhealthy, one that has ended or waits for a node is none',
    objects: () => [
      pod('never', { annotations: { 'sidestep.dev/test': 'never-ready' } }),
      pod('pending', {}, { nodeName: undefined, nodeSelector: { no: 'such' } }),
      job('done', { template: { spec: { containers: [container()], restartPolicy: 'Never' } } }),
      pod('host', {}, { hostNetwork: true, nodeName: 'node-2' }),
    ],
    look: ({ workloads }) => workloads.map(({ name, status, networkMode }) => [name, status, networkMode]),
    is: () => [
      ['host', undefined, 'HostNetwork'],
      ['never', 'Unhealthy', undefined],
    ],
  },
  {
    title: 'a sidecar speaks HBONE itself, a captured pod through its ztunnel',
    marks: { labels: { 'istio.io/dataplane-mode': 'ambient' } },
    objects: () => [
      pod('captured', { labels: { 'service.istio.io/canonical-name': 'c' } }, { serviceAccountName: 'default' }),
      pod('sidecar', { labels: { 'networking.istio.io/tunnel': 'http', 'istio.io/dataplane-mode': 'none' } }),
      pod('plain', { labels: { 'istio.io/dataplane-mode': 'none' } }),
    ],
    look: ({ workloads }) => workloads.map(({ name, protocol, nativeTunnel }) => [name, protocol, nativeTunnel]),
    is: () => [
      ['captured', 'HBONE', undefined],
      ['plain', undefined, undefined],
      ['sidecar', 'HBONE', true],
    ],
  },
  {
    title: 'a pod is where its node is',
    objects: () => [pod('near', {}, { nodeName: 'node-1' }), pod('nowhere', {}, { nodeName: 'node-2' })],
    look: ({ workloads }) => workloads.map(({ node, locality }) => [node, locality]),
    is: () => [
      ['node-1', { region: 'eu', zone: 'eu-1', subzone: '' }],
      ['node-2', undefined],
    ],
  },
];
