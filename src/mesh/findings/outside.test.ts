import { describe, expect, it } from 'vitest';
import { foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { policyFindings } from '../policies.js';
import type { PolicyObject } from '../policy-object.js';

const entry = (spec: object, namespace = 'shop'): PolicyObject =>
  policyObject('ServiceEntry', { hosts: ['api.example.com'], resolution: 'DNS', ...spec }, { namespace });

describe('a ServiceEntry', () => {
  it.each<[string, object, string]>([
    ['with a name', {}, 'SST3020 spec.hosts'],
    ['with addresses', { resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }] }, 'SST3020 spec.hosts'],
    ['for many hosts', { hosts: ['api.example.com', '*.example.com'] }, 'SST3021 spec.hosts'],
    ['without an address', { resolution: 'NONE' }, 'SST3021 spec.resolution'],
    ['that does not say how', { resolution: undefined }, 'SST3021 spec.resolution'],
    [
      'of a socket',
      { resolution: 'STATIC', endpoints: [{ address: '192.0.2.1' }, { address: 'unix:///a' }] },
      'SST3021 spec.endpoints',
    ],
    ['of workloads of the mesh', { location: 'MESH_INTERNAL' }, 'SST3023 spec.location'],
    ['that others do not see', { exportTo: ['.'] }, 'SST3020 spec.hosts'],
    ['that is for others', { exportTo: ['other'] }, 'SST3022 spec.exportTo'],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(entry(spec))).toEqual([expected]);
  });

  it('of the mesh is said to be so', () => {
    const [found] = policyFindings([entry({ location: 'MESH_INTERNAL' })], policyScope());
    expect(found?.message).toBe(
      'ServiceEntry x, field spec.location: MESH_INTERNAL, but ambient mode has no workloads outside the cluster',
    );
  });

  it('of another namespace is worth a word only if it changes', () => {
    expect(foundIn(entry({}, 'other'))).toEqual([]);
    expect(foundIn(entry({ resolution: 'NONE' }, 'other'))).toEqual(['SST3021 spec.resolution']);
  });
});

describe('a WorkloadEntry', () => {
  const labels = { app: 'vm' };
  const workload = (spec: object = {}, annotations: Record<string, string> = {}): PolicyObject =>
    policyObject('WorkloadEntry', { address: '192.0.2.1', labels, ...spec }, { annotations });
  const choosing = (spec: object = {}, namespace = 'shop'): PolicyObject =>
    entry({ resolution: 'STATIC', workloadSelector: { labels }, ...spec }, namespace);
  const service = policyObject('Service', { selector: labels }, { name: 'vm' });

  it.each<[string, PolicyObject[], string]>([
    ['for the outside', [workload(), choosing()], 'SST3020 spec.address'],
    ['that nobody chooses', [workload()], 'SST3023 spec'],
    ['of other labels', [workload({ labels: { app: 'db' } }), choosing()], 'SST3023 spec'],
    ['that is chosen elsewhere only', [workload(), choosing({}, 'other')], 'SST3023 spec'],
    ['of a Service, too', [workload(), choosing(), service], 'SST3023 spec'],
    ['of the mesh, too', [workload(), choosing(), choosing({ location: 'MESH_INTERNAL' })], 'SST3023 spec'],
    ['with an account', [workload({ serviceAccount: 'vm' }), choosing()], 'SST3023 spec'],
    [
      'that has registered itself',
      [workload({}, { 'istio.io/autoRegistrationGroup': 'vms' }), choosing()],
      'SST3023 spec',
    ],
  ])('%s', (_, objects, expected) => {
    const found = policyFindings(objects, policyScope()).filter(({ object }) => object === 'WorkloadEntry/x');
    expect(found.map(({ code, path }) => `${code} ${path}`)).toEqual([expected]);
  });
});

describe('a Service exported', () => {
  it.each<[string, boolean]>([
    ['', true],
    ['*', true],
    ['., *', true],
    ['other,*', true],
    ['.', false],
    ['.,other', false],
    ['~', false],
  ])('to "%s"', (exportTo, isToAll) => {
    const annotations = { 'networking.istio.io/exportTo': exportTo };
    const found = foundIn(policyObject('Service', {}, { annotations }));
    expect(found).toEqual(isToAll ? [] : ['SST3028 metadata.annotations[networking.istio.io/exportTo]']);
  });
});
