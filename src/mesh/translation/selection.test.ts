import { describe, expect, it } from 'vitest';
import { gets, ofApi, policy, scope, service } from '../../../test/support/forms.js';
import type { PolicyObject } from '../policy-object.js';
import { choosesCommonPods, isHeadless, isOfPods, podsOf, selectionOf, type TargetService } from './selection.js';

const tiered = {
  ...scope,
  pods: scope.pods.map((pods) => ({ ...pods, labels: { ...pods.labels, tier: 'x' } })),
  services: [service('all', { selector: { tier: 'x' } })],
};

describe('pods of a Service', () => {
  it.each<[string, TargetService, string[]]>([
    ['are those of its selector', service('api'), ['Deployment/api']],
    ['are none without selector', service('api', { selector: {} }), []],
    ['are none of the name of another host', service('api', { type: 'ExternalName' }), []],
    ['are none without spec', { metadata: { name: 'api' } }, []],
  ])('%s', (_, given, names) => {
    expect(podsOf(given, scope).map(({ name }) => name)).toEqual(names);
    expect(isHeadless(given)).toBe(false);
  });
});

describe('a policy', () => {
  it('is told which pods of a Service it does not select, and which have none', () => {
    const { services, differences } = selectionOf(policy({ ...ofApi, rules: [gets] }), tiered);
    expect(services.map(({ metadata }) => metadata.name)).toEqual(['all']);
    expect(differences).toEqual([
      {
        reason: 'Widened',
        at: 'Service/all',
        message: 'has pods that the policy does not select: Deployment/web, Deployment/db',
      },
    ]);
    const nowhere = { ...scope, services: [{ metadata: { name: 'empty' } }] };
    expect(selectionOf(policy(ofApi), nowhere).differences).toEqual([
      {
        reason: 'Unreached',
        at: 'Deployment/api',
        message: 'belongs to no Service: who calls its pods does so past the waypoint',
      },
    ]);
  });

  it.each<[string, PolicyObject, string, boolean]>([
    ['of the namespace', policy({}), 'shop', true],
    ['of the whole mesh', policy({}, 'AuthorizationPolicy', 'p', 'istio-system'), 'shop', true],
    ['of another namespace', policy({}, 'AuthorizationPolicy', 'p', 'other'), 'shop', false],
    ['for a Service', policy({ targetRefs: [{ kind: 'Service', name: 'api' }] }), 'shop', false],
    ['for metrics of pods of the root namespace', policy(ofApi, 'Telemetry', 'p', 'istio-system'), 'shop', false],
    ['for those, in the root namespace', policy(ofApi, 'Telemetry', 'p', 'istio-system'), 'istio-system', true],
    ['for metrics of the whole mesh', policy({}, 'Telemetry', 'p', 'istio-system'), 'shop', true],
  ])('%s is of pods of a namespace', (_, given, namespace, expected) => {
    expect(isOfPods(given, { ...scope, namespace })).toBe(expected);
  });

  it('has pods in common with another one', () => {
    const ofTier = policy({ selector: { matchLabels: { tier: 'x' } } });
    expect(choosesCommonPods(policy(ofApi), ofTier, tiered)).toBe(true);
    expect(choosesCommonPods(policy(ofApi), ofTier, scope)).toBe(false);
    expect(choosesCommonPods(policy(ofApi), policy({ selector: { matchLabels: { app: 'web' } } }), tiered)).toBe(false);
  });
});
