import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../clock.js';
import type { Client } from '../../../kube/client.js';
import { guardedPatch } from '../../../kube/patch.js';
import type { ResourceType } from '../../../kube/resource.js';
import {
  MUTATING_WEBHOOK_CONFIGURATION,
  VALIDATING_WEBHOOK_CONFIGURATION,
  type MutatingWebhookConfiguration,
} from '../../../kube/types.js';
import type { Logger } from '../../../log.js';
import type { Certificate } from '../../api-server/http/certificate.js';
import { WebhookServer } from './webhook-server.js';
import { Istiod } from './istiod.js';
import { injectionWebhook, validationWebhook } from './webhooks.js';

/** What {@link IstiodProgram} is made from. */
export interface IstiodProgramOptions {
  client: Client;
  clock: Clock;
  log: Logger;
  /** Serves the webhooks; its own authority. */
  certificate: Certificate;
}

/** istiod as a program that can be ended and started again: webhooks, controllers, and the port for debugging. */
export class IstiodProgram {
  readonly #options: IstiodProgramOptions;
  readonly #webhooks: WebhookServer;
  #istiod: Istiod | undefined;
  #debug: Server | undefined;
  #debugPort = 0;
  #running: Promise<void> = Promise.resolve();
  #ending = new AbortController();

  constructor(options: IstiodProgramOptions) {
    this.#options = options;
    const nodes = (): ReturnType<Istiod['nodes']> => this.#istiod?.nodes() ?? [];
    const webhooks = {
      '/inject': injectionWebhook(() => this.#istiod?.state.config(), nodes),
      '/validate': validationWebhook,
    };
    this.#webhooks = new WebhookServer(webhooks, options.certificate);
  }

  /** https URL of the webhooks, without a slash at the end. */
  get webhooksUrl(): string {
    return this.#webhooks.url;
  }

  /** http URL of the port for debugging; it serves `/debug/ambientz` and `/ready`. */
  get debugUrl(): string {
    return `http://127.0.0.1:${this.#debugPort}`;
  }

  /** Opens the ports, so that their numbers are known. Part of {@link start}. */
  async listen(): Promise<void> {
    await this.#webhooks.listen();
    if (this.#debug !== undefined) return;
    const server = createServer((request, response) => {
      if (request.url === '/ready') response.end();
      else if (request.url === '/debug/ambientz') response.end(JSON.stringify(this.#ambientIndex()));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#debugPort, '127.0.0.1', resolve);
    });
    this.#debugPort = (server.address() as AddressInfo).port;
    this.#debug = server;
  }

  /** Starts everything, and resolves when it works: caches are filled, webhooks are asked. */
  async start(): Promise<void> {
    await this.listen();
    if (this.#istiod !== undefined) return;
    const { client, clock, log, certificate } = this.#options;
    this.#ending = new AbortController();
    const istiod = new Istiod({ client, clock, log, certificate: certificate.certificate });
    this.#istiod = istiod;
    this.#running = istiod.run(this.#ending.signal);
    await istiod.whenSynced();
    await this.#register();
  }

  /** Ends everything, as if the process were killed. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#istiod = undefined;
    const debug = this.#debug;
    this.#debug = undefined;
    debug?.closeAllConnections();
    await Promise.all([
      this.#webhooks.close(),
      this.#running,
      debug && new Promise<void>((resolve) => debug.close(() => resolve())),
    ]);
  }

  /** Tells the API server by which certificate it knows the webhooks, and that wrong configuration is now refused. */
  async #register(): Promise<void> {
    const names: [ResourceType<MutatingWebhookConfiguration>, string][] = [
      [MUTATING_WEBHOOK_CONFIGURATION, 'istio-sidecar-injector'],
      [VALIDATING_WEBHOOK_CONFIGURATION, 'istio-validator-istio-system'],
      [VALIDATING_WEBHOOK_CONFIGURATION, 'istiod-default-validator'],
    ];
    const caBundle = Buffer.from(this.#options.certificate.certificate).toString('base64');
    for (const [type, name] of names) {
      const found = await this.#options.client.get(type, { name });
      const changes = (found.webhooks ?? []).flatMap((_, index) => [
        { path: ['webhooks', String(index), 'clientConfig', 'caBundle'], value: caBundle },
        { path: ['webhooks', String(index), 'failurePolicy'], value: 'Fail' },
      ]);
      const operations = guardedPatch(found, changes);
      if (operations.length > 0)
        await this.#options.client.jsonPatch(type, { name }, operations, { fieldManager: 'pilot-discovery' });
    }
  }

  #ambientIndex(): object {
    return { workloads: this.#istiod?.ambientIndex() ?? [], services: [], policies: [] };
  }
}
