import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Finding } from '../src/mesh/findings.js';
import { type FindingsData, type ListedFinding, findingsConfigMap, findingsData } from './findings-config-map.js';

const owner = { apiVersion: 'sidestep.dev/v1alpha1', kind: 'AmbientMigration', name: 'shop', uid: 'u-1' };
const listed = (finding: Finding, acknowledged = false): ListedFinding => ({ finding, acknowledged });
const itemsIn = (data: FindingsData): Record<string, unknown>[] =>
  parse(data['findings.yaml']) as Record<string, unknown>[];

const strange: Finding = {
  code: 'SST4012',
  object: 'Deployment/web',
  message: 'a new pod is refused:\n- "yes": {no}\t# 😀 \u2028 end: ',
};
const field: Finding = { code: 'SST2003', object: 'NetworkPolicy/web', path: 'spec.ingress[0]', message: 'no 15008' };

describe('the ConfigMap of findings', () => {
  it('lists all of them in their order, each as it is, and goes with its owner', () => {
    const data = findingsData([listed(strange), listed(field, true)]);
    const manifest = findingsConfigMap(data, { namespace: 'shop', owner });
    expect(manifest['data']).toEqual(data);
    expect(manifest.metadata).toEqual({
      name: 'sidestep-findings',
      namespace: 'shop',
      labels: { 'app.kubernetes.io/managed-by': 'sidestep' },
      ownerReferences: [owner],
    });
    expect(itemsIn(data)).toEqual([
      { ...strange, verdict: 'BLOCK', acknowledged: false },
      { ...field, verdict: 'BLOCK', acknowledged: true },
    ]);
    expect(data).toMatchObject({ total: '2', listed: '2' });
  });

  it('says that there is none', () => {
    expect(findingsData([])).toEqual({ 'findings.yaml': '[]\n', total: '0', listed: '0' });
  });

  it('is never larger than a ConfigMap may be, keeps the first, and counts what is left out', () => {
    const message = 'a message of sixty bytes, so that ten thousand are too many.';
    const many = Array.from({ length: 10_000 }, (_, at) =>
      listed({ ...field, object: `NetworkPolicy/${at}`, message }),
    );
    const data = findingsData(many);
    const { total, listed: shown, 'findings.yaml': text } = data;
    const items = itemsIn(data);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_000_000);
    expect(Buffer.byteLength(text)).toBeGreaterThan(999_000);
    expect([total, shown]).toEqual(['10000', String(items.length)]);
    expect(items.map(({ object }) => object)).toEqual(many.slice(0, items.length).map(({ finding }) => finding.object));
  });

  it('takes a list of exactly the size that is allowed', () => {
    const shown = (maxBytes?: number): string => findingsData([listed(strange)], maxBytes).listed;
    const size = Buffer.byteLength(findingsData([listed(strange)])['findings.yaml']);
    expect([shown(size), shown(size - 1)]).toEqual(['1', '0']);
  });
});
