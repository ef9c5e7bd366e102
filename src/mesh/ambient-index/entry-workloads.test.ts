import { describe, expect, it } from 'vitest';
import { nothing } from '../../../test/support/index-mesh.js';
import { ztunnelConfig } from '../ambient-index.js';
import type { IndexedServiceEntry } from './objects.js';

describe('the hosts of a ServiceEntry are workloads', () => {
  it.each<[string, IndexedServiceEntry['spec'], string[]]>([
    ['resolved by DNS', { resolution: 'DNS' }, ['db.example.com']],
    ['resolved by DNS in turn', { resolution: 'DNS_ROUND_ROBIN' }, ['db.example.com']],
    ['resolved by DNS on demand', { resolution: 'DYNAMIC_DNS' }, ['db.example.com']],
    ['but those resolved by nobody', { resolution: 'NONE' }, []],
    ['but those without endpoints', { resolution: 'STATIC' }, []],
    ['but those of selected workloads', { resolution: 'DNS', workloadSelector: { labels: { app: 'db' } } }, []],
    ['but those with endpoints', { resolution: 'DNS', endpoints: [{ address: 'a.example.com' }] }, ['a.example.com']],
  ])('%s', (_, spec, hostnames) => {
    const entry = { metadata: { name: 'db', namespace: 'shop' }, spec: { hosts: ['db.example.com'], ...spec } };
    const { workloads } = ztunnelConfig({ ...nothing, serviceEntries: [entry] }, 'shop', {
      clusterId: 'Kubernetes',
      trustDomain: 'cluster.local',
      clusterDomain: 'cluster.local',
      rootNamespace: 'istio-system',
      systemNamespace: 'istio-system',
      revision: 'default',
    });
    expect(workloads.map(({ hostname }) => hostname)).toEqual(hostnames);
  });
});
