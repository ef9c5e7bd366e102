import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSignedCertificate } from '../../src/sandbox/api-server/http/certificate.js';
import type { ResourceType } from '../../src/kube/resource.js';
import { MUTATING_WEBHOOK_CONFIGURATION } from '../../src/kube/types.js';
import type { Cluster } from './cluster.js';

interface Review {
  readonly request: { readonly uid: string; readonly object: unknown };
}

/** What the webhook looks at, and the annotation that it takes off, in pod templates too. */
interface Stripping {
  readonly type: ResourceType;
  readonly annotation: string;
}

/**
 * Admission that lets an annotation of Sidestep's into no object of a kind in a namespace: a webhook on this machine.
 *
 * @returns takes it away again
 */
export async function strippingWebhook(
  cluster: Cluster,
  namespace: string,
  { type: { group, version, plural }, annotation }: Stripping,
): Promise<() => Promise<void>> {
  const { certificate, key } = await selfSignedCertificate(Date.now());
  // A connection that Node closes while the API server writes to it would be a refusal.
  const server = createServer({ cert: certificate, key, keepAliveTimeout: 0 }, (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      answer.writeHead(200, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(answerTo(review, annotation)));
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
          rules: [
            { apiGroups: [group], apiVersions: [version], operations: ['CREATE', 'UPDATE'], resources: [plural] },
          ],
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

function answerTo({ request: { uid, object } }: Review, annotation: string): object {
  const patch = annotated(object, annotation, '').map((path) => ({ op: 'remove', path }));
  const changes = patch.length > 0 && {
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true, ...changes } };
}

/** Paths of the annotation, on the object and in its pod template. */
function annotated(object: unknown, annotation: string, path: string): string[] {
  if (typeof object !== 'object' || object === null) return [];
  return Object.entries(object).flatMap(([key, value]) => {
    if (key === 'managedFields') return [];
    const inner = `${path}/${key.replaceAll('/', '~1')}`;
    return path.endsWith('/annotations') && key === annotation ? [inner] : annotated(value, annotation, inner);
  });
}
