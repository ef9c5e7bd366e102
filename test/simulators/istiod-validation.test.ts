import { conformance } from '../conformance/suite.js';
import { Golden } from './golden.js';
import { object, policy, type Json } from './istiod-objects.js';
import { collection } from './istiod-settled.js';

const golden = new Golden('istiod-validation');

const rule = (fields: Json): Json => ({ rules: [fields] });
const from = (source: Json): Json => rule({ from: [{ source }] });
const to = (operation: Json): Json => rule({ to: [{ operation }] });

/** AuthorizationPolicies; those that are right are accepted. */
const policies: Record<string, Json> = {
  'an attribute that does not exist': policy('p', rule({ when: [{ key: 'sidestep.dev/no', values: ['x'] }] })),
  'a condition without values': policy('p', rule({ when: [{ key: 'source.ip' }] })),
  'a condition without a key': policy('p', rule({ when: [{ key: '', values: ['x'] }] })),
  'an address that is none': policy('p', rule({ when: [{ key: 'source.ip', values: ['somewhere'] }] })),
  'a port that is none': policy('p', to({ ports: ['http'] })),
  'ranges that are none': policy('p', from({ ipBlocks: ['10.0.0.0/99'] })),
  'a source without anything': policy('p', from({})),
  'an operation without anything': policy('p', to({})),
  'a from without anything': policy('p', rule({ from: [] })),
  'an empty principal': policy('p', from({ principals: [''] })),
  'an empty rule': policy('p', rule({})),
  'nothing at all': policy('p', {}),
  'a good policy': policy('p', { ...from({ principals: ['cluster.local/ns/a/sa/b'] }), action: 'DENY' }),
  'CUSTOM without a provider': policy('p', { action: 'CUSTOM', ...rule({}) }),
  'DENY without rules': policy('p', { action: 'DENY' }),
  'an empty selector': policy('p', { selector: { matchLabels: { '': 'x' } }, ...rule({}) }),
  'a wildcard in a selector': policy('p', { selector: { matchLabels: { app: '*' } }, ...rule({}) }),
  'a provider without CUSTOM': policy('p', { provider: { name: 'x' }, ...rule({}) }),
};

/** Objects of other kinds. */
const others: Record<string, { path: string; object: Json }> = {
  'PeerAuthentication without a selector but with ports': {
    path: '/apis/security.istio.io/v1/namespaces/NAMESPACE/peerauthentications',
    object: object('security.istio.io/v1', 'PeerAuthentication', 'p', {
      spec: { portLevelMtls: { 80: { mode: 'STRICT' } } },
    }),
  },
  PeerAuthentication: {
    path: '/apis/security.istio.io/v1/namespaces/NAMESPACE/peerauthentications',
    object: object('security.istio.io/v1', 'PeerAuthentication', 'p', { spec: { mtls: { mode: 'STRICT' } } }),
  },
};

conformance('istiod, validation', (test) => {
  for (const [name, object] of Object.entries(policies)) {
    test(name, async (server) => {
      const namespace = await server.namespace();
      const answer = await server.post(collection('AuthorizationPolicy', namespace), object, {
        query: { dryRun: 'All' },
      });
      golden.expect(name, told(answer.status, answer.body, namespace));
    });
  }
  for (const [name, { path, object }] of Object.entries(others)) {
    test(name, async (server) => {
      const namespace = await server.namespace();
      const answer = await server.post(path.replace('NAMESPACE', namespace), object, { query: { dryRun: 'All' } });
      golden.expect(name, told(answer.status, answer.body, namespace));
    });
  }
  test('both webhooks ask for a policy with a revision', async (server) => {
    const namespace = await server.namespace();
    const wrong = policies['an attribute that does not exist']!;
    const labelled = { ...wrong, metadata: { name: 'p', labels: { 'istio.io/rev': 'default' } } };
    const answer = await server.post(collection('AuthorizationPolicy', namespace), labelled, {
      query: { dryRun: 'All' },
    });
    const message = answer.body.message.replace(/"[a-z.]*validation\.istio\.io"/, '"WEBHOOK"');
    golden.expect('a policy with a revision', told(answer.status, { ...answer.body, message }, namespace));
  });
});

function told(status: number, { reason, message }: Json, namespace: string): unknown {
  return status === 201 ? 'accepted' : { status, reason, message: message.replaceAll(namespace, 'NAMESPACE') };
}
