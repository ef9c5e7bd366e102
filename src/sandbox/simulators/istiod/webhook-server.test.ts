import { Agent, request } from 'node:https';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { selfSignedCertificate } from '../../api-server/http/certificate.js';
import { WebhookServer } from './webhook-server.js';

let server: WebhookServer;
let ca: string;

beforeEach(async () => {
  const certificate = await selfSignedCertificate(Date.now());
  ca = certificate.certificate;
  server = new WebhookServer(
    {
      '/allow': () => ({ allowed: true, patch: [{ op: 'add', path: '/a', value: 1 }], warnings: ['careful'] }),
      '/deny': () => ({ allowed: false, message: 'no' }),
      '/break': () => {
        throw new Error('broken');
      },
    },
    certificate,
  );
  await server.listen();
});
afterEach(() => server.close());

test('an object is allowed, with a patch', async () => {
  const { body } = await ask('/allow?timeout=10s');
  const { response } = JSON.parse(body) as { response: { patch: string } };
  expect(response).toMatchObject({ uid: 'u', allowed: true, patchType: 'JSONPatch', warnings: ['careful'] });
  expect(Buffer.from(response.patch, 'base64').toString()).toBe('[{"op":"add","path":"/a","value":1}]');
});

test('an object is denied', async () => {
  const { body } = await ask('/deny');
  expect(JSON.parse(body)).toEqual({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u', allowed: false, status: { metadata: {}, message: 'no' } },
  });
});

test('what is not there, and what breaks, is no answer', async () => {
  expect((await ask('/other')).status).toBe(404);
  expect((await ask('/break')).status).toBe(400);
});

test('closed it refuses connections, and listens on the same port again', async () => {
  const agent = new Agent({ keepAlive: true });
  const { url } = server;
  await ask('/allow', agent);
  await server.close();
  await expect(ask('/allow')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.listen();
  expect(server.url).toBe(url);
  expect((await ask('/allow')).status).toBe(200);
  agent.destroy();
});

function ask(path: string, agent?: Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { method: 'POST', ca, ...(agent && { agent }) }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (body += chunk));
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    sent.once('error', reject);
    sent.end(JSON.stringify({ request: { uid: 'u', operation: 'CREATE', kind: {}, object: {} } }));
  });
}
