import { describe, expect, it } from 'vitest';
import { smallSettings } from '../../../test/support/small-mesh.js';
import type { PolicyObject } from '../policy-object.js';
import { isAuthenticated, type MutualTlsMode, sidecarMutualTls } from './mutual-tls.js';

type Caller = Parameters<typeof isAuthenticated>[0];
type Called = Parameters<typeof isAuthenticated>[1];

describe('a connection', () => {
  const nobody = { mode: 'none', hbone: false, gateway: false } as const;
  const callers: Readonly<Record<string, Caller>> = {
    'a waypoint': 'waypoint',
    'a gateway': { ...nobody, gateway: true },
    'an ambient pod': { ...nobody, mode: 'ambient' },
    'a sidecar': { ...nobody, mode: 'sidecar', hbone: true },
    'an old sidecar': { ...nobody, mode: 'sidecar' },
    'a pod outside': nobody,
    'a pod outside with the label': { ...nobody, hbone: true },
  };
  const called: Readonly<Record<string, Called>> = {
    'an ambient pod': { mode: 'ambient', hbone: false },
    'a sidecar': { mode: 'sidecar', hbone: true },
    'an old sidecar': { mode: 'sidecar', hbone: false },
    'a pod outside': { mode: 'none', hbone: true },
  };
  const all = ['a waypoint', 'a gateway', 'an ambient pod', 'a sidecar'];

  it.each<[to: string, mode: MutualTlsMode, enableAutoMtls: boolean, from: string[]]>([
    ['an ambient pod', 'PERMISSIVE', true, all],
    ['an ambient pod', 'DISABLE', true, all],
    ['an ambient pod', 'PERMISSIVE', false, all],
    ['a sidecar', 'PERMISSIVE', true, [...all, 'an old sidecar']],
    ['a sidecar', 'STRICT', true, [...all, 'an old sidecar']],
    ['a sidecar', 'DISABLE', true, ['a waypoint', 'an ambient pod']],
    ['a sidecar', 'PERMISSIVE', false, ['a waypoint', 'an ambient pod']],
    ['an old sidecar', 'PERMISSIVE', true, ['a gateway', 'a sidecar', 'an old sidecar']],
    ['an old sidecar', 'DISABLE', true, []],
    ['a pod outside', 'PERMISSIVE', true, []],
  ])('to %s that accepts %s (automatic mTLS: %s) shows who calls: %j', (to, mode, enableAutoMtls, expected) => {
    const mesh = { settings: { ...smallSettings, enableAutoMtls } };
    const known = Object.keys(callers).filter((from) => isAuthenticated(callers[from]!, called[to]!, mode, mesh));
    expect(known).toEqual(expected);
  });
});

describe('a sidecar accepts', () => {
  const peer = (
    mode: string | undefined,
    { namespace = 'shop', app, ports, created }: { namespace?: string; app?: string; ports?: object; created?: string },
  ): PolicyObject => ({
    kind: 'PeerAuthentication',
    metadata: { name: `${mode}-${app}`, namespace, creationTimestamp: created },
    spec: {
      ...(mode !== undefined && { mtls: { mode } }),
      ...(app !== undefined && { selector: { matchLabels: { app } } }),
      ...(ports !== undefined && { portLevelMtls: ports }),
    },
  });
  const own = { app: 'web' };
  const root = { namespace: 'istio-system' };

  it.each<[string, PolicyObject[], MutualTlsMode]>([
    ['both, where nobody says anything', [], 'PERMISSIVE'],
    ['what the mesh says', [peer('STRICT', root)], 'STRICT'],
    ['what its namespace says, before the mesh', [peer('STRICT', root), peer('DISABLE', {})], 'DISABLE'],
    ['what is said of it, before its namespace', [peer('STRICT', {}), peer('PERMISSIVE', own)], 'PERMISSIVE'],
    ['nothing of another namespace', [peer('STRICT', { namespace: 'other' })], 'PERMISSIVE'],
    ['nothing of its likes elsewhere', [peer('STRICT', { namespace: 'other', app: 'web' })], 'PERMISSIVE'],
    ['nothing of other pods', [peer('STRICT', { app: 'db' })], 'PERMISSIVE'],
    ['nothing of pods that the mesh selects', [peer('STRICT', { ...root, app: 'web' })], 'PERMISSIVE'],
    ['what its namespace says, where it is left unset', [peer('STRICT', {}), peer('UNSET', own)], 'STRICT'],
    ['what its namespace says, where nothing is said', [peer('STRICT', {}), peer(undefined, own)], 'STRICT'],
    [
      'what the oldest says',
      [
        peer('DISABLE', { ...own, created: '2024-01-02T00:00:00Z' }),
        peer('STRICT', { ...own, created: '2024-01-01T00:00:00Z' }),
      ],
      'STRICT',
    ],
    ['what is said of the port', [peer('STRICT', { ...own, ports: { 8080: { mode: 'DISABLE' } } })], 'DISABLE'],
    ['nothing of another port', [peer('STRICT', { ...own, ports: { 80: { mode: 'DISABLE' } } })], 'STRICT'],
    ['nothing of ports of the namespace', [peer('STRICT', { ports: { 8080: { mode: 'DISABLE' } } })], 'STRICT'],
  ])('%s', (_, peerAuthentications, expected) => {
    const pod = { namespace: 'shop', labels: { app: 'web', version: 'v1' } };
    expect(sidecarMutualTls(pod, 8080, { peerAuthentications, settings: smallSettings })).toBe(expected);
  });

  it('in the root namespace, what the mesh says, whatever is said of it', () => {
    const pod = { namespace: 'istio-system', labels: { app: 'web' } };
    const peerAuthentications = [peer('STRICT', root), peer('DISABLE', { ...root, app: 'web' })];
    expect(sidecarMutualTls(pod, 8080, { peerAuthentications, settings: smallSettings })).toBe('STRICT');
  });
});
