import { expect, test } from 'vitest';
import { isDeclaredByOthers } from './managed-fields.js';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

test('a label that was applied once, and is another now or gone, is not declared', () => {
  const declared = (labels: Record<string, string>, configuration: string): boolean =>
    isDeclaredByOthers(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', labels, annotations: { [LAST_APPLIED]: configuration } },
      },
      'team',
    );
  const applied = '{"metadata":{"labels":{"team":"a"}}}';
  expect([declared({ team: 'a' }, applied), declared({ team: 'b' }, applied), declared({}, applied)]).toEqual([
    true,
    false,
    false,
  ]);
  expect(declared({ team: 'a' }, 'no JSON')).toBe(false);
});
