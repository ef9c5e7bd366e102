import { describe, expect, it } from 'vitest';
import { policy, scope, wasm } from '../../../test/support/forms.js';
import type { PolicyObject } from '../policy-object.js';
import { extensionDifferences, rivalsOf } from './extensions.js';

const at = (path: string, message: string, reason = 'Field'): object => ({ reason, at: path, message });
const OUTGOING = at('spec.match', 'it runs on what the pods send, too, which their waypoint does not see', 'Outgoing');
const server = { match: [{ mode: 'SERVER' }] };
const extension = (spec: object): PolicyObject => policy({ ...server, ...spec }, 'TrafficExtension');

describe('a filter at a waypoint', () => {
  it.each<[string, PolicyObject, object[]]>([
    ['is one of requests that come in', wasm(server), []],
    ['is none of requests that go out', wasm({}), [OUTGOING]],
    ['is none of those by a match of its own', wasm({ match: [{ mode: 'SERVER' }, { mode: 'CLIENT' }] }), [OUTGOING]],
    [
      'is none where it is for requests that go out only',
      wasm({ match: [{ mode: 'CLIENT' }] }),
      [at('spec.match', 'it runs on what the pods send, which their waypoint does not see')],
    ],
    [
      'is none where it asks for ports of what comes in',
      wasm({ match: [{ mode: 'CLIENT' }, { mode: 'SERVER', ports: [{ number: 80 }] }] }),
      [at('spec.match', 'it asks for ports, and no waypoint runs what does')],
    ],
    [
      'is one by a match without ports',
      wasm({ match: [{ mode: 'SERVER', ports: [{ number: 80 }] }, { mode: 'SERVER' }] }),
      [],
    ],
    [
      'is none of connections',
      wasm({ ...server, type: 'NETWORK' }),
      [at('spec.type', 'a waypoint runs it on no port on which it reads HTTP')],
    ],
    [
      'is none of a file',
      wasm({ ...server, url: 'FILE:///a.wasm' }),
      [at('spec.url', 'a waypoint has other files than a sidecar')],
    ],
    ['is one of an image with such a name', wasm({ ...server, url: 'oci://hub/file:1' }), []],
    [
      'has another environment',
      wasm({
        ...server,
        vmConfig: {
          env: [
            { name: 'A', valueFrom: 'INLINE' },
            { name: 'B', valueFrom: 'HOST' },
          ],
        },
      }),
      [at('spec.vmConfig.env', 'a waypoint has another environment than a sidecar')],
    ],
    [
      'has no Secret of the mesh',
      wasm({ ...server, imagePullSecret: 's' }, 'istio-system'),
      [at('spec.imagePullSecret', 'the Secret is in another namespace than the copy would be')],
    ],
    ['needs no Secret of the mesh', wasm(server, 'istio-system'), []],
    [
      'is none of a file in a TrafficExtension either',
      extension({ wasm: { url: 'file:///a' } }),
      [at('spec.wasm.url', 'a waypoint has other files than a sidecar')],
    ],
    ['is one of Lua', extension({ lua: { inlineCode: '' } }), []],
    ['is none of another kind', policy({ type: 'NETWORK' }, 'Telemetry'), []],
  ])('%s', (_, given, differences) => {
    expect(extensionDifferences(given, scope)).toEqual(differences);
  });
});

describe('filters of the same pods', () => {
  const named = (name: string, spec: object): PolicyObject => ({
    ...wasm(spec),
    metadata: { name, namespace: 'shop' },
  });

  it.each<[string, object, object, boolean]>([
    ['have the same place', { phase: 'AUTHZ', priority: 1 }, { phase: 'AUTHZ', priority: 1 }, true],
    ['run last where they say no phase that is known', {}, { phase: 'UNSPECIFIED_PHASE' }, true],
    ['differ in priority', { phase: 'AUTHZ', priority: 1 }, { phase: 'AUTHZ', priority: 2 }, false],
    ['differ in phase', { phase: 'AUTHN' }, { phase: 'STATS' }, false],
  ])('come in an order that only their age tells where they %s', (_, first, second, isTied) => {
    const [one, other] = [named('a', first), named('b', second)];
    expect(rivalsOf(one, [one, other], scope)).toEqual(isTied ? [other] : []);
  });

  it('have no order with what is no filter, or of another namespace', () => {
    const one = named('a', {});
    const others = [policy({}), { ...named('b', {}), metadata: { name: 'b', namespace: 'other' } }];
    expect(rivalsOf(one, others, scope)).toEqual([]);
    expect(rivalsOf(policy({}), [one], scope)).toEqual([]);
  });
});
