import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { AdmissionChain } from './admission/admission-chain.js';
import type { Authenticator, Authorizer } from './auth/auth-interfaces.js';
import type { Certificate } from './http/certificate.js';
import { type ClusterView, clusterView } from './storage/cluster-view.js';
import { DefinitionController } from './custom/definition-controller.js';
import type { Interceptor } from './http/faults.js';
import { operationsOf } from './writes/operations.js';
import type { Parts } from './parts.js';
import { RandomNames } from './random.js';
import { Registry } from './registry.js';
import { RequestLog } from './http/request-log.js';
import { RequestService } from './http/request-service.js';
import type { ServedResource } from './resource.js';
import type { Route } from './http/route.js';
import { Storage } from './storage/storage.js';
import type { Operations } from './operations.js';
import type { Subresources } from './subresource.js';

/** What an API server is made from. What needs the cluster is given as a function of it. */
export interface ApiServerOptions {
  readonly clock: Clock;
  /** Makes uids and generated names reproducible. */
  readonly seed: number;
  readonly log: Logger;
  readonly certificate: Certificate;
  readonly resources: readonly ServedResource[];
  readonly authorizer: (cluster: ClusterView) => Authorizer;
  readonly authenticator: (cluster: ClusterView, authorizer: Authorizer) => Authenticator;
  readonly admission: (cluster: ClusterView, registry: Registry, operations: Operations) => AdmissionChain;
  readonly routes: (registry: Registry) => readonly Route[];
  readonly subresources: Subresources;
}

/** Bytes of a request's head, with its URL: Go's. */
const maxHeaderSize = 1 << 20;

/** A Kubernetes API server: HTTPS on 127.0.0.1, objects in memory. */
export class ApiServer {
  readonly registry = new Registry();
  readonly requests: RequestLog;
  /** Reads what is stored, and hears of changes, without requests. */
  readonly cluster: ClusterView;
  /** Changes what is stored, without requests: for parts of the server itself. */
  readonly operations: Operations;
  readonly #storage = new Storage();
  readonly #service: RequestService;
  readonly #server: Server;
  /** Serves connections within the process; never listens. */
  readonly #plain = createPlainServer({ keepAliveTimeout: 0, maxHeaderSize }, (request, response) =>
    this.#serve(request, response),
  );
  readonly #sockets = new Set<Duplex>();
  readonly #closeAdmission: () => void;
  readonly #log: Logger;
  #listening = false;

  constructor(options: ApiServerOptions) {
    const { clock, log, certificate } = options;
    this.#log = log;
    this.registry.add(options.resources);
    this.requests = new RequestLog(clock);
    this.cluster = clusterView(this.#storage, this.registry);
    const authorizer = options.authorizer(this.cluster);
    const authenticator = options.authenticator(this.cluster, authorizer);
    const parts: Parts = {
      clock,
      log,
      storage: this.#storage,
      registry: this.registry,
      view: this.cluster,
      names: new RandomNames(options.seed),
      arriving: new Map(),
      // Made from the operations, which are made from this.
      admission: {
        mutate: (attributes) => admission.mutate(attributes),
        validate: (attributes) => admission.validate(attributes),
      },
      authorizer,
      subresources: options.subresources,
    };
    this.operations = operationsOf(parts);
    const { cluster, registry, operations } = this;
    const admission = options.admission(cluster, registry, operations);
    this.#closeAdmission = () => admission.close();
    new DefinitionController({ clock, log, cluster, registry, operations }).start();
    const begin = (): void => this.#storage.begin(this.registry.all().map(({ storageKey }) => storageKey));
    begin();
    this.registry.onChange(begin);
    this.#service = new RequestService({
      parts,
      operations,
      authenticator,
      routes: options.routes(registry),
      requests: this.requests,
    });
    this.#server = createServer(
      { cert: certificate.certificate, key: certificate.key, keepAliveTimeout: 0, maxHeaderSize },
      (request, response) => this.#serve(request, response),
    );
    for (const server of [this.#server, this.#plain]) server.on('connection', (socket: Duplex) => this.#keep(socket));
  }

  /** What is under way; a watch only while it begins. */
  get activity(): { readonly inFlight: number; readonly count: number } {
    return this.#service.activity;
  }

  /**
   * Starts to listen on 127.0.0.1, also again after it was closed.
   *
   * @param port  default: a free one
   * @returns the URL
   */
  listen(port = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        this.#listening = true;
        resolve(`https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
      });
    });
  }

  /**
   * Serves plain HTTP on a connection within the process.
   *
   * @throws {Error} with code ECONNREFUSED, the server does not listen
   */
  accept(socket: Duplex): void {
    if (!this.#listening) throw Object.assign(new Error('the API server does not listen'), { code: 'ECONNREFUSED' });
    this.#plain.emit('connection', socket);
  }

  /** Ends all watches and connections. What is stored stays: {@link listen} again is a restart. */
  async close(): Promise<void> {
    this.#listening = false;
    this.#service.endWatches();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    this.#closeAdmission();
    await closed;
  }

  /** Makes requests fail, until the returned function is called. */
  intercept(interceptor: Interceptor): () => void {
    return this.#service.intercept(interceptor);
  }

  /** New requests wait until {@link resume}. */
  pause(): void {
    this.#service.pause();
  }

  resume(): void {
    this.#service.resume();
  }

  /** Forgets the history: who watches or pages from before is told 410. */
  compact(): void {
    this.#storage.compact();
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#service.serve(request, response).catch((error: unknown) => {
      this.#log.error({ err: error, uri: request.url }, 'request failed without an answer');
      request.socket.destroy();
    });
  }
}
