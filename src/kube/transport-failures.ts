import { TransportError } from './errors.js';
import type { HttpRequest } from './transport.js';

/** A reset of a connection that had been idle in the pool: the server closed it while our request was on its way. */
class StaleConnectionError extends TransportError {}

/**
 * Whether the request most likely never reached the server, because it went out on a pooled connection that the server
 * was just closing. Only requests that may take place twice may be repeated for it.
 */
export function isStaleConnection(error: unknown): boolean {
  return error instanceof StaleConnectionError;
}

const troubles: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved now',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of the server is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of the server is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of the server is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate of the server is not trusted',
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another name',
};

/** What to tell whoever made a request that failed with `error`: an abort's reason, or a TransportError that says what was tried. */
export function failureOf(error: unknown, request: HttpRequest, reusedSocket = false): Error {
  if (request.signal?.aborted) return request.signal.reason as Error;
  if (error instanceof TransportError) return error;
  const cause = error as NodeJS.ErrnoException;
  const stale = reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
  const message = `${request.label}: ${troubles[cause.code ?? ''] ?? 'the connection failed'}`;
  return stale ? new StaleConnectionError(message, { cause }) : new TransportError(message, { cause });
}
