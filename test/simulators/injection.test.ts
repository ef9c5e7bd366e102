import { conformance } from '../conformance/suite.js';
import { Golden } from './golden.js';
import { injectionCases } from './injection-pods.js';

const golden = new Golden('injection', 'a plain pod');

conformance('injection', (test) => {
  for (const [name, { namespace: labels, pod }] of Object.entries(injectionCases)) {
    test(name, async (server) => {
      const namespace = await server.namespace(labels);
      const answer = await server.post(
        `/api/v1/namespaces/${namespace}/pods`,
        { apiVersion: 'v1', kind: 'Pod', ...pod },
        { query: { dryRun: 'All' } },
      );
      golden.expect(name, answer.status === 201 ? podAsMade(answer.text, namespace) : refusal(answer.body));
    });
  }
});

/** The parts of a pod that admission decides on, without names that are different each time. */
function podAsMade(text: string, namespace: string): unknown {
  const everywhere = text
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access');
  const { metadata, spec } = JSON.parse(everywhere) as { metadata: Record<string, unknown>; spec: unknown };
  const annotations = { ...(metadata.annotations as Record<string, string> | undefined) };
  const overrides = 'proxy.istio.io/overrides';
  // Go and JavaScript order the fields of this JSON differently.
  const told =
    overrides in annotations ? { ...annotations, [overrides]: JSON.parse(annotations[overrides]) } : annotations;
  return { labels: metadata.labels ?? {}, annotations: told, spec };
}

/** The templates that exist are listed in a random order. */
function refusal(body: { code: number; reason?: string; message: string }): unknown {
  return { code: body.code, reason: body.reason, message: body.message.replace(/; have .*/, '; have …') };
}
