import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSignedCertificate } from '../../src/sandbox/api-server/http/certificate.js';
import { MUTATING_WEBHOOK_CONFIGURATION } from '../../src/kube/types.js';
import type { Cluster } from './cluster.js';

interface Review {
  readonly request: { readonly uid: string; readonly object: unknown };
}

/**
 * Admission that lets no annotation of Sidestep's into Deployments of a namespace: a webhook on this machine.
 *
 * @returns takes it away again
 */
export async function strippingWebhook(cluster: Cluster, namespace: string): Promise<() => Promise<void>> {
  const { certificate, key } = await selfSignedCertificate(Date.now());
  const server = createServer({ cert: certificate, key }, (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      answer.writeHead(200, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(answerTo(review)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const name = `strip-${namespace}`;
  await cluster.apply(
    JSON.stringify({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name },
      webhooks: [
        {
          name: 'strip.sidestep.test',
          clientConfig: {
            url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
            caBundle: Buffer.from(certificate).toString('base64'),
          },
          rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments'] }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    }),
  );
  return async () => {
    await cluster.client.delete(MUTATING_WEBHOOK_CONFIGURATION, { name });
    server.closeAllConnections();
    server.close();
  };
}

function answerTo({ request: { uid, object } }: Review): object {
  const patch = annotated(object, '').map((path) => ({ op: 'remove', path }));
  const changes = patch.length > 0 && {
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true, ...changes } };
}

/** Paths of annotations of Sidestep's, on the object and in its pod template. */
function annotated(object: unknown, path: string): string[] {
  if (typeof object !== 'object' || object === null) return [];
  return Object.entries(object).flatMap(([key, value]) => {
    if (key === 'managedFields') return [];
    const inner = `${path}/${key.replaceAll('/', '~1')}`;
    return path.endsWith('/annotations') && key.startsWith('sidestep.dev/re') ? [inner] : annotated(value, inner);
  });
}
