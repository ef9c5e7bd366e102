import { expect, test } from 'vitest';
import { meshSettings } from './mesh-settings.js';

const object = 'ConfigMap/istio-system/istio';

test('a mesh that says nothing has the defaults of Istio', () => {
  expect(meshSettings({}, object)).toEqual({
    trustDomain: 'cluster.local',
    trustDomainAliases: [],
    outboundTrafficPolicy: 'ALLOW_ANY',
    enableAutoMtls: true,
    object,
  });
});

test('a mesh is as it says', () => {
  const said = { trustDomain: 'example.org', trustDomainAliases: ['old.example.org'], enableAutoMtls: false };
  expect(meshSettings({ ...said, outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, object)).toEqual({
    ...said,
    outboundTrafficPolicy: 'REGISTRY_ONLY',
    object,
  });
  expect(meshSettings({ enableAutoMtls: true }, object).enableAutoMtls).toBe(true);
});
