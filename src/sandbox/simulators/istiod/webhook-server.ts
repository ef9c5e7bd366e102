import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Certificate } from '../../api-server/http/certificate.js';

/** The part of an `AdmissionRequest` that webhooks here read. */
export interface AdmissionRequest {
  uid: string;
  namespace?: string;
  operation: string;
  kind: { group: string; version: string; kind: string };
  object: unknown;
}

/** What a webhook says. */
export interface AdmissionAnswer {
  allowed: boolean;
  /** Why not. */
  message?: string;
  /** JSON patch for the object. */
  patch?: object[];
  warnings?: string[];
}

/** Answers what is asked at one path. */
export type Webhook = (request: AdmissionRequest) => AdmissionAnswer;

/** Admission webhooks over HTTPS on 127.0.0.1. */
export class WebhookServer {
  readonly #webhooks: Readonly<Record<string, Webhook>>;
  readonly #certificate: Certificate;
  #server: Server | undefined;
  #port = 0;

  /** @param webhooks  by path, such as `/inject` */
  constructor(webhooks: Readonly<Record<string, Webhook>>, certificate: Certificate) {
    this.#webhooks = webhooks;
    this.#certificate = certificate;
  }

  /** `https://127.0.0.1:PORT`; the same after it was closed and listens again. */
  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Starts to listen, on the same port as before if there was one. */
  async listen(): Promise<void> {
    if (this.#server !== undefined) return;
    const { certificate: cert, key } = this.#certificate;
    const server = createServer(
      { cert, key, keepAliveTimeout: 0 },
      (request, response) => void this.#serve(request, response),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses connections from now on, and breaks those that are open. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const webhook = this.#webhooks[(incoming.url ?? '').replace(/\?.*/, '')];
    if (webhook === undefined) {
      outgoing.writeHead(404).end();
      return;
    }
    try {
      const review = JSON.parse(await bodyOf(incoming)) as { request: AdmissionRequest };
      const response = responseTo(review.request, webhook(review.request));
      const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(body);
    } catch (error) {
      outgoing.writeHead(400).end(String(error));
    }
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function responseTo({ uid }: AdmissionRequest, { allowed, message, patch, warnings }: AdmissionAnswer): object {
  return {
    uid,
    allowed,
    ...(message !== undefined && { status: { metadata: {}, message } }),
    ...(patch && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    ...(warnings && { warnings }),
  };
}
