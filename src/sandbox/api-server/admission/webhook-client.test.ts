import { afterEach, describe, expect, test } from 'vitest';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { FakeClock, settle } from '../../../../test/support/fake-clock.js';
import { selfSignedCertificate } from '../http/certificate.js';
import { WebhookClient } from './webhook-client.js';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

/** A webhook that never answers, or with a text; and the authority that vouches for it. */
async function listening(text?: string): Promise<{ address: string; caBundle: string; asked: string[] }> {
  const { certificate, key } = await selfSignedCertificate(Date.now());
  const asked: string[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    asked.push(request.url ?? '');
    if (text !== undefined) response.end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, caBundle: Buffer.from(certificate).toString('base64'), asked };
}

describe('WebhookClient', () => {
  test('patience is measured by the clock', async () => {
    const { address, caBundle, asked } = await listening();
    const clock = new FakeClock();
    const client = new WebhookClient(clock);
    const answer = client.post({ url: address, caBundle }, {}, 5);
    const failed = expect(answer).rejects.toThrow(/"https:.*\?timeout=5s": context deadline exceeded$/);
    while (asked.length === 0) await settle();
    await clock.advance(5_000);
    await failed;
    expect(clock.pending).toBe(0);
  });

  test('a certificate of somebody else is not trusted', async () => {
    const { address } = await listening('{}');
    const other = await listening('{}');
    const client = new WebhookClient(new FakeClock());
    await expect(client.post({ url: address, caBundle: other.caBundle }, {})).rejects.toThrow(
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    );
  });
});
