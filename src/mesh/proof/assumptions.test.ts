import { describe, expect, it } from 'vitest';
import { smallObjects, smallSettings } from '../../../test/support/small-mesh.js';
import { type MeshPicture, meshPicture } from '../picture.js';
import { asRecord, type PolicyObject } from '../policy-object.js';
import { assuming } from './assumptions.js';

const policy = (rules: readonly object[], more: object = {}): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { action: 'DENY', rules, ...more },
});
const settings = { ...smallSettings, authorizationProviders: { ext: 'grpc', other: 'http' } as const };
const drawn = (...policies: PolicyObject[]): MeshPicture =>
  meshPicture(smallObjects({ pods: [], services: [], policies }), settings);
const rulesIn = ({ authorizationPolicies }: MeshPicture): unknown[] =>
  authorizationPolicies.map(({ spec }) => asRecord(spec)['rules']);

const sni = (list: object): object => ({ key: 'connection.sni', ...list });
const header = { key: 'request.headers[x]', values: ['u'] };
const to = [{ operation: { paths: ['/a'] } }];
const isX = 'unknown:connection.sni=x at the sidecar';
const isY = 'unknown:connection.sni=y at the sidecar';

describe('what nobody knows', () => {
  it.each<[string, object, string[], object[]]>([
    ['holds, if it is so', { when: [sni({ values: ['x'] })] }, [isX], [{ when: [] }]],
    ['does not hold, if it is not', { when: [sni({ values: ['x'] })] }, [], []],
    ['does not hold, if another is so', { when: [sni({ values: ['x'] })] }, [isY], []],
    ['holds, if one of several is so', { when: [sni({ values: ['x', 'y'] })] }, [isY], [{ when: [] }]],
    ['holds, if what is not wanted is not so', { when: [sni({ notValues: ['x', 'y'] })] }, [], [{ when: [] }]],
    ['does not hold, if some of that is so', { when: [sni({ notValues: ['x', 'y'] })] }, [isY], []],
    ['holds, if both are as wanted', { when: [sni({ values: ['x'], notValues: ['y'] })] }, [isX], [{ when: [] }]],
    ['does not hold, if only one is', { when: [sni({ values: ['x'], notValues: ['y'] })] }, [isX, isY], []],
    ['has to hold in all conditions', { when: [sni({ values: ['x'] }), sni({ values: ['y'] })] }, [isX], []],
    ['leaves what else a rule asks', { to, when: [header, sni({ values: ['x'] })] }, [isX], [{ to, when: [header] }]],
  ])('%s', (_, rule, yes, rules) => {
    expect(rulesIn(assuming(drawn(policy([rule])), new Set(yes)))).toEqual([rules]);
  });

  it('is another thing at a waypoint', () => {
    const targetRefs = [{ kind: 'Service', group: '', name: 'web' }];
    const rule = { when: [sni({ values: ['x'] })] };
    const yes = new Set(['unknown:connection.sni=x at the waypoint']);
    expect(rulesIn(assuming(drawn(policy([rule], { targetRefs }), policy([rule])), yes))).toEqual([[{ when: [] }], []]);
  });

  it('leaves other rules and policies, and all else of a policy', () => {
    const known = policy([{ to }]);
    const unknown = policy([{ to }, { when: [header] }, { when: [header, sni({ values: ['x'] })] }], {
      selector: { matchLabels: { app: 'web' } },
    });
    const picture = assuming(drawn(known, unknown), new Set());
    expect(picture.authorizationPolicies[0]).toBe(known);
    expect(picture.authorizationPolicies[1]).toEqual({
      ...unknown,
      spec: { ...asRecord(unknown.spec), rules: [{ to, when: [] }, { when: [header] }] },
    });
    expect(picture.settings).toEqual(settings);
  });

  it('is nothing, where policies ask for what is known', () => {
    const picture = drawn(policy([{ to, when: [header] }]));
    expect(assuming(picture, new Set())).toBe(picture);
  });
});

describe('a provider', () => {
  it('that refuses is not there to be asked', () => {
    const picture = assuming(drawn(policy([{ to }])), new Set(['unknown:the provider ext refuses']));
    expect(picture.settings).toEqual({ ...settings, authorizationProviders: { other: 'http' } });
  });
});
