import { describe, expect, test } from 'vitest';

import type { Pod } from '../../../kube/types.js';
import { enrolmentChange, shouldBeEnrolled } from './enrolment.js';

interface PodSketch {
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: Partial<Pod['spec']>;
  status?: Pod['status'];
}

function pod({ namespace = 'shop', labels = {}, annotations = {}, spec, status }: PodSketch = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace, labels, annotations },
    spec: { containers: [{ name: 'web' }], nodeName: 'node-1', ...spec },
    status: status ?? { phase: 'Running', podIP: '10.244.0.7', podIPs: [{ ip: '10.244.0.7' }] },
  };
}

const ambient = { 'istio.io/dataplane-mode': 'ambient' };
const none = { 'istio.io/dataplane-mode': 'none' };
const sidecar = { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' };
const nativeSidecar = {
  'sidecar.istio.io/status': '{"initContainers":["istio-init","istio-proxy"],"containers":null}',
};
const enrolled = { 'ambient.istio.io/redirection': 'enabled' };
const pending = { 'ambient.istio.io/redirection': 'pending' };

describe('shouldBeEnrolled', () => {
  test.each<[string, PodSketch, Record<string, string> | undefined, boolean]>([
    ['nothing is labelled', {}, {}, false],
    ['the namespace has no labels at all', {}, undefined, false],
    ['the namespace is labelled ambient', {}, ambient, true],
    ['the pod is labelled ambient, its namespace is not', { labels: ambient }, {}, true],
    ['the pod is labelled ambient, its namespace none', { labels: ambient }, none, true],
    ['the pod opts out of an ambient namespace', { labels: none }, ambient, false],
    ['another value on the pod does not opt out', { labels: { 'istio.io/dataplane-mode': 'off' } }, ambient, true],
    ['another value on the namespace selects nothing', {}, { 'istio.io/dataplane-mode': 'sidecar' }, false],
    ['a sidecar wins over the namespace', { annotations: sidecar }, ambient, false],
    ['a sidecar wins over the pod', { annotations: sidecar, labels: ambient }, {}, false],
    ['a native sidecar wins as well', { annotations: nativeSidecar, labels: ambient }, ambient, false],
    ['the annotation counts even when it is empty', { annotations: { 'sidecar.istio.io/status': '' } }, ambient, false],
    ['injection is off for the pod', { labels: { 'sidecar.istio.io/inject': 'false' } }, ambient, true],
    ['the pod uses the network of its host', { labels: ambient, spec: { hostNetwork: true } }, ambient, false],
    ['the namespace is excluded', { namespace: 'kube-system', labels: ambient }, ambient, false],
    ['ztunnel', { namespace: 'istio-system', labels: { app: 'ztunnel' } }, ambient, false],
    ['an app called ztunnel elsewhere', { labels: { app: 'ztunnel' } }, ambient, true],
  ])('%s', (_, sketch, namespaceLabels, expected) => {
    expect(shouldBeEnrolled(pod(sketch), namespaceLabels)).toBe(expected);
  });
});

describe('enrolmentChange', () => {
  test.each<[string, PodSketch, Record<string, string>, ReturnType<typeof enrolmentChange>]>([
    ['a running pod is enrolled in place when the label comes', {}, ambient, 'enrol'],
    ['and left alone from then on', { annotations: enrolled }, ambient, 'none'],
    ['it is un-enrolled in place when the label goes', { annotations: enrolled }, {}, 'unenrol'],
    ['and left alone from then on, too', {}, {}, 'none'],
    ['it is un-enrolled when the pod opts out', { annotations: enrolled, labels: none }, ambient, 'unenrol'],
    ['a half enrolled pod is enrolled', { annotations: pending }, ambient, 'enrol'],
    ['a half enrolled pod is un-enrolled', { annotations: pending }, {}, 'unenrol'],
    ['a pod with a sidecar is left alone', { annotations: sidecar }, ambient, 'none'],
    ['enrolled, then marked as having a sidecar', { annotations: { ...enrolled, ...sidecar } }, ambient, 'unenrol'],
    ['no address yet', { status: { phase: 'Pending' } }, ambient, 'none'],
    ['podIPs alone will do', { status: { phase: 'Running', podIPs: [{ ip: 'fd00::7' }] } }, ambient, 'enrol'],
    ['an enrolled pod has succeeded', { annotations: enrolled, status: { phase: 'Succeeded' } }, ambient, 'unenrol'],
    ['an enrolled pod has failed', { annotations: enrolled, status: { phase: 'Failed' } }, ambient, 'unenrol'],
    ['a half enrolled pod has failed', { annotations: pending, status: { phase: 'Failed' } }, ambient, 'unenrol'],
    ['a finished pod is not enrolled', { status: { phase: 'Succeeded', podIP: '10.244.0.7' } }, ambient, 'none'],
    ['un-enrolment needs no address', { annotations: enrolled, status: { phase: 'Pending' } }, {}, 'unenrol'],
    ['excluded, enrolled by an older agent', { namespace: 'kube-system', annotations: enrolled }, ambient, 'unenrol'],
  ])('%s', (_, sketch, namespaceLabels, expected) => {
    expect(enrolmentChange(pod(sketch), namespaceLabels)).toBe(expected);
  });
});
