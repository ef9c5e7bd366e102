import { describe, expect, it } from 'vitest';
import { type PolicyObject } from '../policy-object.js';
import { smallSettings } from '../../../test/support/small-mesh.js';
import { policiesOfSidecar, policiesOfWaypoint } from './attachment.js';

const mesh = { settings: smallSettings };

const policy = (namespace: string, spec: object): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace },
  spec,
});
const target = (kind: string, name: string): object => ({ targetRefs: [{ kind, name }] });
const selector = (matchLabels: object): object => ({ selector: { matchLabels } });

describe('a sidecar', () => {
  it.each<[string, PolicyObject, boolean]>([
    ['of its namespace', policy('shop', {}), true],
    ['of the root namespace', policy('istio-system', {}), true],
    ['of another namespace', policy('other', {}), false],
    ['that selects it', policy('shop', selector({ app: 'web' })), true],
    ['of the root namespace that selects it', policy('istio-system', selector({ app: 'web' })), true],
    ['that selects others', policy('shop', selector({ app: 'db' })), false],
    ['that selects what it only has a part of', policy('shop', selector({ app: 'web', version: 'v1' })), false],
    ['of a Service', policy('shop', target('Service', 'web')), false],
    ['of a Service, in the old form', policy('shop', { targetRef: { kind: 'Service', name: 'web' } }), false],
  ])('reads a policy %s: (%#)', (_, one, isRead) => {
    const read = policiesOfSidecar([one], { namespace: 'shop', labels: { app: 'web' } }, mesh);
    expect(read).toEqual(isRead ? [one] : []);
  });
});

describe('a waypoint', () => {
  const waypoint = { namespace: 'infra', name: 'waypoint' };
  const service = { namespace: 'shop', name: 'web' };

  it.each<[string, PolicyObject, forService: boolean, forPod: boolean]>([
    ['of the Service', policy('shop', target('Service', 'web')), true, false],
    ['of another Service', policy('shop', target('Service', 'db')), false, false],
    ['of a Service of that name elsewhere', policy('infra', target('Service', 'web')), false, false],
    ['of the Gateway', policy('infra', target('Gateway', 'waypoint')), true, true],
    ['of another Gateway', policy('infra', target('Gateway', 'egress')), false, false],
    ['of a Gateway of that name elsewhere', policy('shop', target('Gateway', 'waypoint')), false, false],
    [
      'of the class, in the root namespace',
      policy('istio-system', target('GatewayClass', 'istio-waypoint')),
      true,
      true,
    ],
    ['of the class, elsewhere', policy('infra', target('GatewayClass', 'istio-waypoint')), false, false],
    ['of another class', policy('istio-system', target('GatewayClass', 'istio')), false, false],
    ['of another kind', policy('shop', target('ServiceEntry', 'web')), false, false],
    ['with a selector', policy('shop', selector({ app: 'web' })), false, false],
    ['for the whole namespace', policy('shop', {}), false, false],
    [
      'of two Services, one of them this',
      policy('shop', {
        targetRefs: [
          { kind: 'Service', name: 'db' },
          { kind: 'Service', name: 'web' },
        ],
      }),
      true,
      false,
    ],
  ])('reads a policy %s: for a Service, and for a pod (%#)', (_, one, forService, forPod) => {
    expect(policiesOfWaypoint([one], waypoint, service, mesh)).toEqual(forService ? [one] : []);
    expect(policiesOfWaypoint([one], waypoint, undefined, mesh)).toEqual(forPod ? [one] : []);
  });
});
