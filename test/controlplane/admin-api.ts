import { Agent, request } from 'node:https';

/** The few requests that setting up a control plane needs, as the administrator. */
export interface AdminApi {
  /** @returns the parsed answer. @throws {AdminApiError} for any status but 2xx, or when nobody answers within 30 s */
  get(path: string): Promise<unknown>;
  post(path: string, body: object): Promise<unknown>;
  /** Server-side apply. */
  apply(path: string, object: object): Promise<unknown>;
  delete(path: string): Promise<unknown>;
  close(): void;
}

/** An answer other than 2xx. */
export class AdminApiError extends Error {
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }
}

const timeoutMs = 30_000;

/** A client of the API server at `server` (https URL). Its certificate is not checked: the server makes it at its first start. */
export function adminApi(server: string, token: string): AdminApi {
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const send = (method: string, path: string, body?: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body ? { 'content-type': method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json' } : {}),
      };
      const outgoing = request(new URL(path, server), { method, agent, headers, timeout: timeoutMs }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          const code = answer.statusCode ?? 0;
          if (code < 200 || code > 299) reject(new AdminApiError(`${method} ${path}: ${code} ${text}`, code));
          else resolve(answer.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text);
        });
      });
      outgoing.once('timeout', () =>
        outgoing.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs / 1000} s`)),
      );
      outgoing.once('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    apply: (path, object) => send('PATCH', path, object),
    delete: (path) => send('DELETE', path),
    close: () => agent.destroy(),
  };
}
