import { Agent, type RequestOptions, request as httpsRequest } from 'node:https';
import type { Clock } from '../../../clock.js';
import { isRecord } from '../json.js';
import type { WebhookClientConfig } from './webhook-configuration.js';
import { WebhookFailure } from './webhook-review.js';

const defaultTimeoutSeconds = 10;

/** Sends reviews to webhooks; connections are kept, one pool for each address and certificate authority. */
export class WebhookClient {
  readonly #agents = new Map<string, Agent>();

  constructor(private readonly clock: Clock) {}

  /**
   * The body of a webhook's answer.
   *
   * @throws {WebhookFailure} no connection, no answer in time, an HTTP error, no JSON; in the words of Go's client
   */
  async post(config: WebhookClientConfig, body: object, timeoutSeconds = defaultTimeoutSeconds): Promise<unknown> {
    const query = `timeout=${timeoutSeconds}s`;
    const url = target(config, query);
    try {
      const { code, text, contentType } = await this.#send(
        url,
        config.caBundle ?? '',
        JSON.stringify(body),
        timeoutSeconds,
      );
      if (code < 200 || code > 299) throw new WebhookFailure(failed(httpProblem(code, text, contentType)));
      if (text === '') {
        throw new WebhookFailure(
          failed(`0-length response with status code: ${code} and content type: ${contentType}`),
        );
      }
      return parsed(text);
    } catch (error) {
      if (error instanceof WebhookFailure) throw error;
      throw new WebhookFailure(failed(`Post ${JSON.stringify(url.href)}: ${connectionProblem(error as Failure, url)}`));
    }
  }

  /** Closes all connections. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #agent(url: URL, caBundle: string): Agent {
    const key = `${url.origin} ${caBundle}`;
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      const ca = caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64') };
      agent = new Agent({ keepAlive: true, ...ca });
      this.#agents.set(key, agent);
    }
    return agent;
  }

  #send(
    url: URL,
    caBundle: string,
    body: string,
    timeoutSeconds: number,
  ): Promise<{ code: number; text: string; contentType: string }> {
    return new Promise((resolve, reject) => {
      const options: RequestOptions = {
        method: 'POST',
        agent: this.#agent(url, caBundle),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, */*',
          'user-agent': 'kube-apiserver-admission',
          'content-length': Buffer.byteLength(body),
        },
      };
      const sent = httpsRequest(url, options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const contentType = answer.headers['content-type'] ?? '';
          resolve({ code: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString(), contentType });
        });
      });
      const cancel = this.clock.schedule(timeoutSeconds * 1000, () => sent.destroy(new DeadlineExceeded()));
      sent.once('close', cancel);
      sent.once('error', reject);
      sent.end(body);
    });
  }
}

/** Where to connect to. @throws {WebhookFailure} to a Service: nothing in the sandbox answers there */
function target({ url, service }: WebhookClientConfig, query: string): URL {
  if (service !== undefined) {
    const { namespace, name, path = '/', port = 443 } = service;
    const shown = `https://${name}.${namespace}.svc:${port}${path}?${query}`;
    throw new WebhookFailure(failed(`Post ${JSON.stringify(shown)}: service ${JSON.stringify(name)} not found`));
  }
  const found = new URL(url!);
  found.search += found.search === '' ? query : `&${query}`;
  return found;
}

class DeadlineExceeded extends Error {}

type Failure = Error & { code?: string; address?: string; port?: number };

function failed(why: string): string {
  return `failed to call webhook: ${why}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new WebhookFailure(failed(`couldn't get version/kind; json parse error: ${(error as Error).message}`));
  }
}

/** What Go's net/http says about a connection that failed. */
function connectionProblem(error: Failure, url: URL): string {
  if (error instanceof DeadlineExceeded) return 'context deadline exceeded';
  const untrusted = 'tls: failed to verify certificate: x509: ';
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${error.address}:${error.port}: connect: connection refused`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case 'ECONNRESET':
    case 'EPIPE':
      return 'EOF';
    case 'CERT_HAS_EXPIRED':
      return `${untrusted}certificate has expired or is not yet valid`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${untrusted}certificate is not valid for ${url.hostname}`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `${untrusted}certificate signed by unknown authority`;
    default:
      return error.message;
  }
}

const httpProblems: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  403: 'unknown',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** `NewGenericServerResponse` of apimachinery; a Status in the answer speaks for itself. */
function httpProblem(code: number, text: string, contentType: string): string {
  const body = contentType.startsWith('text/') ? text.trim() : 'unknown';
  try {
    const status = JSON.parse(text) as unknown;
    if (isRecord(status) && status['kind'] === 'Status' && typeof status['message'] === 'string')
      return status['message'];
  } catch {
    // Not JSON: the text itself, or nothing, is what there is to say.
  }
  if (code === 403) return body;
  const generic = `an error on the server (${JSON.stringify(body)}) has prevented the request from succeeding`;
  return (
    httpProblems[code] ??
    (code >= 500
      ? generic
      : 'the server responded with the status code ' + `${code} but did not return more information`)
  );
}
