import { webcrypto } from 'node:crypto';
import { createServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { eventually, uniqueName, type Answer, type Server } from './server.js';

/** The `request` of an AdmissionReview, as a case looks at it. */
export type Review = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- cases look into all parts of it

/** What a webhook answers: the `response` without uid, or a whole HTTP answer (`code`, `text`). */
export type ReviewAnswer = object;

/** One webhook of a case. What is left out: all creates of ConfigMaps, `failurePolicy: Fail`, no side effects, 10 s. */
export interface Hook {
  /** Name, without the domain. */
  name: string;
  answer?: (review: Review) => ReviewAnswer | Promise<ReviewAnswer>;
  /** Fields of the webhook besides name and clientConfig. */
  spec?: Record<string, unknown>;
  /** Instead of the server of the case. */
  url?: string;
}

/** Rule of a webhook: these operations on these resources of the core group, unless told otherwise. */
export function rule(operations: string[], resources: string[], more: Record<string, unknown> = {}): object {
  return { apiGroups: [''], apiVersions: ['v1'], operations, resources, ...more };
}

/** A mutation, as a webhook answers it. */
export function jsonPatch(...operations: object[]): ReviewAnswer {
  return {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  };
}

/** Registered webhooks of a case, and what they were asked. */
export interface Webhooks {
  /** A namespace whose label the webhooks select. */
  readonly namespace: string;
  /** Requests so far by name of the webhook. */
  readonly asked: (name: string) => Review[];
  /** Connections that the API server has opened. */
  readonly connections: number;
}

const label = 'conformance.sidestep/webhooks';
const domain = 'conformance.sidestep.test';
const admission = '/apis/admissionregistration.k8s.io/v1';

/** Full name of a {@link Hook}, as in messages. */
export function fullName(hook: string): string {
  return `${hook}.${domain}`;
}

/**
 * Registers configurations (`mutating` or `validating`, each with its webhooks, in this order of names), waits until they
 * are in force in a namespace of their own, runs the case, and removes them. The real server is shared: the webhooks
 * select that namespace's label.
 */
export async function withWebhooks(
  server: Server,
  configurations: { type: 'mutating' | 'validating'; hooks: Hook[] }[],
  check: (webhooks: Webhooks) => Promise<void>,
): Promise<void> {
  const id = uniqueName('w');
  const listening = await listen(configurations.flatMap(({ hooks }) => hooks));
  const paths: string[] = [];
  try {
    const namespace = await server.namespace({ [label]: id });
    for (const [index, { type, hooks }] of configurations.entries()) {
      const path = `${admission}/${type}webhookconfigurations`;
      const name = `${id}-${index}`;
      const answer = await server.post(path, configuration(type, name, id, hooks, listening));
      if (answer.status !== 201) throw new Error(`configuration: ${answer.text}`);
      paths.push(`${path}/${name}`);
      await inForce(server, namespace, name);
    }
    await check({
      namespace,
      asked: (name) => listening.reviews.get(name) ?? [],
      get connections() {
        return listening.connections;
      },
    });
  } finally {
    for (const path of paths) await server.delete(path);
    await listening.close();
  }
}

/** Warnings of an answer, without code and quotes. */
export function warnings(answer: Answer): string[] {
  const header = answer.headers['warning'];
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  return [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, message]) => message!.replaceAll(/\\(.)/g, '$1'));
}

function configuration(type: string, name: string, id: string, hooks: Hook[], { url, ca }: Listening): object {
  const own = hooks.map((hook) => ({
    name: fullName(hook.name),
    clientConfig: hook.url === undefined ? { url: `${url}/${hook.name}`, caBundle: ca } : { url: hook.url },
    rules: [rule(['CREATE'], ['configmaps'])],
    namespaceSelector: { matchLabels: { [label]: id } },
    objectSelector: { matchExpressions: [{ key: 'probe', operator: 'DoesNotExist' }] },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...hook.spec,
  }));
  // All webhooks of a configuration come into force together: this one shows when.
  const probe = {
    name: fullName('in-force'),
    clientConfig: { url: `${url}/in-force`, caBundle: ca },
    rules: [rule(['CREATE'], ['configmaps'])],
    namespaceSelector: { matchLabels: { [label]: id } },
    objectSelector: { matchLabels: { probe: name } },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: type === 'mutating' ? 'MutatingWebhookConfiguration' : 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [probe, ...own],
  };
}

async function inForce(server: Server, namespace: string, name: string): Promise<void> {
  await eventually(`configuration ${name}`, async () => {
    const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe', labels: { probe: name } } };
    const answer = await server.post(`/api/v1/namespaces/${namespace}/configmaps`, probe, { query: { dryRun: 'All' } });
    return answer.text.includes('in force') ? true : undefined;
  });
}

interface Listening {
  readonly url: string;
  readonly ca: string;
  readonly reviews: Map<string, Review[]>;
  readonly connections: number;
  close(): Promise<void>;
}

async function listen(hooks: Hook[]): Promise<Listening> {
  const reviews = new Map<string, Review[]>();
  const sockets = new Set<Socket>();
  let connections = 0;
  const { cert, key } = await certificate();
  const https: HttpsServer = createServer({ cert, key, keepAliveTimeout: 0 }, (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const name = new URL(request.url!, 'https://x').pathname.slice(1);
      const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: Review };
      const hook = hooks.find((candidate) => candidate.name === name);
      const isOfCase = name !== 'in-force' && !isController(review.request.userInfo.username);
      if (isOfCase) reviews.set(name, [...(reviews.get(name) ?? []), review.request]);
      const otherwise = { allowed: name !== 'in-force', status: { message: 'in force', code: 403 } };
      const respond = (isOfCase && hook?.answer) || (() => otherwise);
      void Promise.resolve(respond(review.request)).then((response) => {
        const whole = 'text' in response ? (response as { code: number; text: string }) : undefined;
        const code = whole?.code ?? 200;
        answer.writeHead(code, { 'content-type': code === 200 ? 'application/json' : 'text/plain' });
        const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
        const text = JSON.stringify({ ...body, response: { uid: review.request.uid, ...response } });
        answer.end(whole?.text ?? text);
      });
    });
  });
  https.on('secureConnection', () => (connections += 1));
  https.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(https.address() as AddressInfo).port}`,
    ca: Buffer.from(cert).toString('base64'),
    reviews,
    get connections() {
      return connections;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => https.close(() => resolve()));
    },
  };
}

/** Controllers of the cluster write into the namespaces of cases too; they are let through and not recorded. */
function isController(username: string): boolean {
  return username.startsWith('system:') || username === 'istiod';
}

let made: Promise<{ cert: string; key: string }> | undefined;

/** A self-signed certificate for 127.0.0.1, the same for all cases. */
function certificate(): Promise<{ cert: string; key: string }> {
  made ??= (async () => {
    x509.cryptoProvider.set(webcrypto);
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const day = 86_400_000;
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=conformance webhooks',
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
      ],
    });
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return { cert: cert.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
  })();
  return made;
}
