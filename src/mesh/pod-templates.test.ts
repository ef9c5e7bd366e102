import { describe, expect, it } from 'vitest';
import { isInjected, isLeftToNamespace, podTemplates, referencedTemplate } from './pod-templates.js';
import type { Labels, PolicyObject } from './policy-object.js';

const object = (kind: string, name: string, spec: unknown, namespace = 'shop'): PolicyObject => ({
  kind,
  metadata: { name, namespace },
  spec,
});
const container = { name: 'app', image: 'app:1' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
const labelled = (labels: Labels, spec: object = {}): object => ({ metadata: { labels }, spec });

describe('a pod template', () => {
  it.each(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Rollout', 'Job'])(
    'is in a %s',
    (kind) => {
      const one = object(kind, 'web', { template });
      expect(podTemplates([one])).toEqual([{ object: one, template }]);
    },
  );

  it('is two levels down in a CronJob', () => {
    const one = object('CronJob', 'web', { jobTemplate: { spec: { template } } });
    expect(podTemplates([one])).toEqual([{ object: one, template }]);
  });

  it('is in nothing else', () => {
    expect(podTemplates([object('Pod', 'web', { template }), object('Service', 'web', {})])).toEqual([]);
  });

  it('has containers, be they none', () => {
    const one = object('Deployment', 'web', { template: { spec: { containers: null, hostNetwork: true } } });
    expect(podTemplates([one])[0]?.template).toEqual({ spec: { containers: [], hostNetwork: true } });
    expect(podTemplates([object('Deployment', 'web', undefined)])[0]?.template).toEqual({ spec: { containers: [] } });
  });
});

describe('a Rollout', () => {
  const workloadRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const deployment = object('Deployment', 'web', { template });
  const others = [
    object('StatefulSet', 'web', { template: 'of another kind' }),
    object('Deployment', 'db', { template: 'of another name' }),
    object('Deployment', 'web', { template: 'of another namespace' }, 'other'),
  ];

  it.each<[string, PolicyObject, PolicyObject[], unknown]>([
    ['takes that of its Deployment', object('Rollout', 'r', { workloadRef }), [...others, deployment], template],
    [
      'takes it with null in the place of its own',
      object('Rollout', 'r', { template: null, workloadRef }),
      [deployment],
      template,
    ],
    ['has its own first', object('Rollout', 'r', { template: {}, workloadRef }), [deployment], undefined],
    [
      'takes none of what is no Deployment of that name there',
      object('Rollout', 'r', { workloadRef }),
      others,
      undefined,
    ],
    [
      'takes none of another kind',
      object('Rollout', 'r', { workloadRef: { ...workloadRef, kind: 'ReplicaSet' } }),
      [deployment],
      undefined,
    ],
    ['alone refers to one', object('Deployment', 'r', { workloadRef }), [deployment], undefined],
  ])('%s', (_, rollout, objects, expected) => {
    expect(referencedTemplate(rollout, objects)).toEqual(expected);
  });

  it('makes the pods of its Deployment', () => {
    const rollout = object('Rollout', 'r', { workloadRef });
    expect(podTemplates([rollout, deployment])).toEqual([
      { object: rollout, template },
      { object: deployment, template },
    ]);
  });
});

describe('a sidecar', () => {
  const inject = 'sidecar.istio.io/inject';

  it.each<[pod: object, namespace: Labels, isThere: boolean]>([
    [labelled({}), {}, false],
    [labelled({}), { 'istio-injection': 'enabled' }, true],
    [labelled({}), { 'istio-injection': 'disabled' }, false],
    [labelled({}), { 'istio-injection': 'disabled', 'istio.io/rev': 'blue' }, false],
    [labelled({}), { 'istio.io/rev': 'blue' }, true],
    [labelled({ [inject]: 'true' }), {}, true],
    [labelled({ [inject]: 'yes' }), {}, false],
    [labelled({ 'istio.io/rev': 'blue' }), {}, true],
    [labelled({ [inject]: 'true' }), { 'istio-injection': 'disabled' }, false],
    [labelled({ [inject]: 'false' }), { 'istio-injection': 'enabled' }, false],
    [labelled({ [inject]: 'false' }), { 'istio.io/rev': 'blue' }, false],
    [labelled({ [inject]: 'YES' }), { 'istio-injection': 'enabled' }, true],
    [labelled({ [inject]: '' }), { 'istio-injection': 'enabled' }, true],
    [labelled({ [inject]: 'none' }), { 'istio-injection': 'enabled' }, false],
    [labelled({ [inject]: 'yesterday' }), { 'istio-injection': 'enabled' }, false],
    [labelled({ [inject]: 'not-on' }), { 'istio-injection': 'enabled' }, false],
    [labelled({ [inject]: 'true' }, { hostNetwork: true }), { 'istio-injection': 'enabled' }, false],
    [labelled({}, { hostNetwork: false }), { 'istio-injection': 'enabled' }, true],
    [{ metadata: { annotations: { [inject]: 'false' } } }, { 'istio-injection': 'enabled' }, false],
    [{ metadata: { annotations: { [inject]: 'true' } } }, {}, false],
    [
      { metadata: { labels: { [inject]: 'true' }, annotations: { [inject]: 'false' } } },
      { 'istio-injection': 'enabled' },
      true,
    ],
  ])('is given to %j in a namespace with %j: %s', (pod, namespace, isThere) => {
    expect(isInjected(pod as Readonly<Record<string, unknown>>, namespace)).toBe(isThere);
  });

  it.each<[object, boolean]>([
    [labelled({}), true],
    [labelled({ [inject]: 'true' }), false],
    [labelled({ [inject]: 'false' }), false],
    [labelled({}, { hostNetwork: true }), false],
    [labelled({ 'gateway.networking.k8s.io/gateway-name': 'ingress' }), false],
    [{ metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } }, false],
  ])('is left to the namespace by %j: %s', (pod, isLeft) => {
    expect(isLeftToNamespace(pod as Readonly<Record<string, unknown>>)).toBe(isLeft);
  });
});
