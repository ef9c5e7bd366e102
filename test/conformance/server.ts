import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { parse } from 'yaml';

/** An answer of the API server. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Parsed JSON, or the text if it is none. */
  body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- cases look into all kinds of answers
  text: string;
}

/** What a request may have besides method and path. */
export interface RequestOptions {
  body?: unknown;
  /** Default: `application/json`; a patch needs one of its own. */
  contentType?: string;
  query?: Record<string, string | number | boolean>;
  headers?: Record<string, string>;
  /** Impersonates somebody. */
  as?: string;
  /** Groups of {@link as}. */
  groups?: string[];
}

/** An event of a watch. */
export interface SeenEvent {
  type: string;
  object: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** A running watch: events as they come. */
export interface Watch {
  readonly status: number;
  /** All events so far. */
  readonly events: SeenEvent[];
  /** Waits for an event that `is` accepts, also one of before. */
  next(is: (event: SeenEvent) => boolean, what?: string): Promise<SeenEvent>;
  /** Whether the server has ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Content types of patches. */
export const PATCH = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** How long a case waits for what a controller or the server does later, in milliseconds. */
const patienceMs = 20_000;

/** An API server as the conformance suite sees it: plain HTTPS, as the administrator. */
export class Server {
  readonly #url: URL;
  readonly #ca: Buffer | undefined;
  readonly #token: string;
  readonly #agent: Agent;

  /** @param kubeconfig  path of a kubeconfig with one cluster and one user with a token */
  constructor(readonly kubeconfig: string) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as {
      clusters: { cluster: Record<string, string> }[];
      users: { user: Record<string, string> }[];
    };
    const { cluster } = config.clusters[0]!;
    this.#url = new URL(cluster.server!);
    const data = cluster['certificate-authority-data'];
    const file = cluster['certificate-authority'];
    this.#ca = data ? Buffer.from(data, 'base64') : file ? readFileSync(file) : undefined;
    this.#token = config.users[0]!.user.token!;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16 });
  }

  /** Sends a request; every status is an answer. */
  request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const body = options.body === undefined ? undefined : encode(options.body);
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(
        { ...this.#target(path, options), method, headers: this.#headers(options, body) },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.once('error', reject);
          answer.once('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: decode(text), text });
          });
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }

  get(path: string, options?: RequestOptions): Promise<Answer> {
    return this.request('GET', path, options);
  }

  post(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('POST', path, { ...options, body });
  }

  put(path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('PUT', path, { ...options, body });
  }

  delete(path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.request('DELETE', path, options);
  }

  patch(type: keyof typeof PATCH, path: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.request('PATCH', path, { ...options, body, contentType: PATCH[type] });
  }

  /** Server-side apply. */
  apply(path: string, body: unknown, fieldManager: string, query: RequestOptions['query'] = {}): Promise<Answer> {
    return this.patch('apply', path, body, { query: { fieldManager, ...query } });
  }

  /** Opens a watch and waits for the answer's head. */
  watch(path: string, query: RequestOptions['query'] = {}, options: RequestOptions = {}): Promise<Watch> {
    return new Promise((resolve, reject) => {
      const all = { ...options, query: { watch: true, ...query } };
      const sent = httpsRequest({ ...this.#target(path, all), headers: this.#headers(all), agent: false }, (answer) => {
        const events: SeenEvent[] = [];
        const waiting = new Set<() => void>();
        const wake = (): void => waiting.forEach((look) => look());
        let rest = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) events.push(JSON.parse(line) as SeenEvent);
          wake();
        });
        answer.on('error', () => undefined);
        const ended = new Promise<void>((end) => answer.once('close', () => end()));
        resolve({
          status: answer.statusCode ?? 0,
          events,
          ended,
          next: (is, what = 'event') =>
            new Promise((found, failed) => {
              const look = (): void => {
                const event = events.find(is);
                if (event === undefined) return;
                clearTimeout(timer);
                waiting.delete(look);
                found(event);
              };
              const timer = setTimeout(() => {
                waiting.delete(look);
                failed(new Error(`no ${what} within ${patienceMs} ms; seen: ${JSON.stringify(events)}`));
              }, patienceMs);
              waiting.add(look);
              look();
            }),
          close: () => sent.destroy(),
        });
      });
      sent.once('error', reject);
      sent.end();
    });
  }

  /** Makes a namespace of its own for a case, with its ServiceAccount there; returns its name. */
  async namespace(labels: Record<string, string> = {}): Promise<string> {
    const name = `c-${randomBytes(5).toString('hex')}`;
    const answer = await this.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
    if (answer.status !== 201) throw new Error(`namespace: ${answer.text}`);
    await eventually('the default ServiceAccount', async () =>
      (await this.get(`/api/v1/namespaces/${name}/serviceaccounts/default`)).status === 200 ? true : undefined,
    );
    return name;
  }

  close(): void {
    this.#agent.destroy();
  }

  #target(path: string, { query = {} }: RequestOptions): object {
    const url = new URL(path, this.#url);
    for (const [key, value] of Object.entries(query)) url.searchParams.append(key, String(value));
    return {
      host: url.hostname,
      port: url.port,
      path: url.pathname + url.search,
      agent: this.#agent,
      ...(this.#ca ? { ca: this.#ca } : { rejectUnauthorized: false }),
    };
  }

  #headers(options: RequestOptions, body?: string): Record<string, string | string[]> {
    return {
      authorization: `Bearer ${this.#token}`,
      accept: 'application/json',
      ...(body !== undefined && {
        'content-type': options.contentType ?? 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      }),
      ...(options.as !== undefined && { 'impersonate-user': options.as }),
      ...(options.groups !== undefined && { 'impersonate-group': options.groups }),
      ...options.headers,
    };
  }
}

function encode(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Looks until there is something to see; a look that fails, as at an answer without what is looked for, sees nothing. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    let cause: unknown;
    const seen = await look().catch((error: unknown) => void (cause = error));
    if (seen !== undefined) return seen;
    if (Date.now() > giveUpAt) throw new Error(`${what} did not come within ${patienceMs} ms`, { cause });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A name that nothing else has, for cluster-scoped objects. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}
