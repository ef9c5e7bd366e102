import { expect, test } from 'vitest';
import type { ProxyConfigObject } from '../../mesh/proxy-config.js';
import { observed } from '../testing/observed-gateway.js';
import { meshHash } from './observe-turns.js';

test('what the mesh gives to every waypoint holds the ProxyConfig for the whole mesh, and no other', () => {
  const { inputs } = observed();
  if ('problem' in inputs) throw new Error(inputs.problem.message);
  const proxyConfig = (namespace: string, spec: object = {}): ProxyConfigObject => ({
    metadata: { name: 'a', namespace },
    spec: { environmentVariables: { LEVEL: '1' }, ...spec },
  });
  const hash = (...objects: ProxyConfigObject[]): string => meshHash(inputs.found, objects, []);
  expect(hash(proxyConfig('istio-system'))).not.toBe(hash());
  expect(hash(proxyConfig('istio-system', { environmentVariables: { LEVEL: '2' } }))).not.toBe(
    hash(proxyConfig('istio-system')),
  );
  expect(hash(proxyConfig('shop'))).toBe(hash());
  expect(hash(proxyConfig('istio-system', { selector: { matchLabels: { app: 'web' } } }))).toBe(hash());
});
