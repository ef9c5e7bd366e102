import { describe, expect, it } from 'vitest';
import { foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { callerDemands, policyFindings } from '../policies.js';
import type { PolicyObject } from '../policy-object.js';

const peer = (spec: object, metadata: Partial<PolicyObject['metadata']> = {}): PolicyObject =>
  policyObject('PeerAuthentication', spec, metadata);
const mtls = (mode: string): object => ({ mtls: { mode } });
const selector = { selector: { matchLabels: { app: 'web' } } };
const ports = (modes: Record<number, string>): object => ({
  portLevelMtls: Object.fromEntries(Object.entries(modes).map(([port, mode]) => [port, { mode }])),
});
const ofMesh = (mode: string): PolicyObject => peer(mtls(mode), { name: 'mesh', namespace: 'istio-system' });
const ofNamespace = (mode?: string): PolicyObject => peer(mode === undefined ? {} : mtls(mode), { name: 'namespace' });

describe('PeerAuthentication', () => {
  it.each([
    ['STRICT', mtls('STRICT'), []],
    ['PERMISSIVE', mtls('PERMISSIVE'), []],
    ['UNSET', {}, []],
    ['DISABLE', mtls('DISABLE'), ['SST2002 spec.mtls.mode']],
    ['DISABLE on a port', { ...selector, ...ports({ 80: 'DISABLE' }) }, ['SST2002 spec.portLevelMtls.80.mode']],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(peer(spec))).toEqual(expected);
  });

  it.each<[string, object, PolicyObject[]]>([
    ['PERMISSIVE port of a STRICT workload', { ...mtls('STRICT'), ...ports({ 80: 'PERMISSIVE' }) }, []],
    ['STRICT port of a PERMISSIVE workload', { ...mtls('PERMISSIVE'), ...ports({ 80: 'STRICT' }) }, []],
    ['PERMISSIVE port in a STRICT namespace', ports({ 80: 'PERMISSIVE' }), [ofNamespace('STRICT')]],
    ['PERMISSIVE port in a STRICT mesh', ports({ 80: 'PERMISSIVE' }), [ofMesh('STRICT')]],
    ['port without a mode', { ...mtls('STRICT'), ...ports({ 80: 'UNSET' }) }, []],
  ])('keeps the %s', (_, spec, others) => {
    const found = policyFindings([peer({ ...selector, ...spec }), ...others], policyScope());
    expect(found.filter(({ code }) => code !== 'SST2019')).toEqual([]);
  });

  it.each<[string, object, PolicyObject[], string]>([
    [
      'a STRICT port of a PERMISSIVE workload in a STRICT mesh opens',
      { ...selector, ...mtls('PERMISSIVE'), ...ports({ 80: 'STRICT' }) },
      [ofMesh('STRICT')],
      'would take plaintext on port 80',
    ],
    [
      'a PERMISSIVE port opens all, where a namespace inherits STRICT from the mesh',
      { ...selector, ...ports({ 80: 'PERMISSIVE' }) },
      [ofMesh('STRICT'), ofNamespace()],
      'would take plaintext on all other ports',
    ],
    [
      'ports without a selector',
      { ...mtls('STRICT'), ...ports({ 80: 'PERMISSIVE' }) },
      [],
      'ignores the mode on port 80',
    ],
    [
      'each of several',
      { ...mtls('STRICT'), ...ports({ 80: 'PERMISSIVE', 90: 'PERMISSIVE' }) },
      [],
      'ignores the mode on port 80, ignores the mode on port 90',
    ],
  ])('names %s', (_, spec, others, text) => {
    const found = policyFindings([peer(spec), ...others], policyScope()).filter(({ code }) => code === 'SST2018');
    expect(found.map(({ object, message }) => [object, message])).toEqual([
      ['PeerAuthentication/x', `PeerAuthentication x, field spec.portLevelMtls: ztunnel ${text}`],
    ]);
  });

  it('of the root namespace keeps its meaning; with a selector it has none', () => {
    expect(foundIn(ofMesh('STRICT'))).toEqual(['SST2019 metadata.namespace']);
    expect(foundIn(peer({ ...selector, ...mtls('DISABLE') }, { namespace: 'istio-system' }))).toEqual([]);
  });

  it.each<[string, PolicyObject[], boolean]>([
    ['a STRICT workload', [peer({ ...selector, ...mtls('STRICT') })], true],
    ['a PERMISSIVE workload', [peer({ ...selector, ...mtls('PERMISSIVE') })], false],
    [
      'a PERMISSIVE workload in a STRICT namespace',
      [peer({ ...selector, ...mtls('PERMISSIVE') }), ofNamespace('STRICT')],
      true,
    ],
    ['a namespace that leaves it to a STRICT mesh', [ofNamespace(), ofMesh('STRICT')], true],
    ['a namespace that leaves it to nobody', [ofNamespace()], false],
    [
      'the older of two',
      [
        peer(mtls('PERMISSIVE'), { name: 'new', creationTimestamp: '2026-02-01T00:00:00Z' }),
        peer(mtls('STRICT'), { name: 'old', creationTimestamp: '2026-01-01T00:00:00Z' }),
      ],
      true,
    ],
    [
      'not the newer of two',
      [
        peer(mtls('STRICT'), { name: 'new', creationTimestamp: '2026-02-01T00:00:00Z' }),
        peer(mtls('PERMISSIVE'), { name: 'old', creationTimestamp: '2026-01-01T00:00:00Z' }),
      ],
      false,
    ],
  ])('says whether callers without mTLS are refused: %s', (_, policies, isStrict) => {
    expect(callerDemands(policies, policyScope()).strict).toBe(isStrict);
  });

  it('is strict by the namespace before the mesh', () => {
    const strictMesh = ofMesh('STRICT');
    const permissive = ofNamespace('PERMISSIVE');
    const workload = peer({ ...selector, ...mtls('STRICT') });
    expect(callerDemands([strictMesh], policyScope()).strict).toBe(true);
    expect(callerDemands([strictMesh, permissive], policyScope()).strict).toBe(false);
    expect(callerDemands([strictMesh, permissive, workload], policyScope()).strict).toBe(true);
  });
});

describe('what no PeerAuthentication may say', () => {
  it.each([
    ['a mode that is none', { mtls: { mode: 'strict' } }, 'spec.mtls.mode'],
    ['a mode by another name', { mtls: { mod: 'STRICT' } }, 'spec.mtls.mod'],
    ['such a mode of a port', { portLevelMtls: { 80: { mode: 'On' } } }, 'spec.portLevelMtls.80.mode'],
    ['a selector without matchLabels', { selector: { app: 'web' } }, 'spec.selector.app'],
    ['another field', { mode: 'STRICT' }, 'spec.mode'],
  ])('%s', (_, spec, path) => {
    const found = policyFindings([policyObject('PeerAuthentication', spec)], policyScope());
    expect(found).toMatchObject([{ code: 'SST2001', path }]);
  });

  it.each([[{ selector: { app: 'web' } }], [{ rules: {} }]])('nor an AuthorizationPolicy %j', (spec) => {
    const found = policyFindings([policyObject('AuthorizationPolicy', spec)], policyScope());
    expect(found).toMatchObject([{ code: 'SST2001' }]);
  });
});
