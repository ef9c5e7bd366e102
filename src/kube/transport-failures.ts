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

/** The server's certificate did not verify, so nothing was sent to it. */
class UntrustedServerError extends TransportError {}

/** Whether no authority that we know vouches for the server: perhaps there are new ones. */
export function isUntrustedServer(error: unknown): boolean {
  return error instanceof UntrustedServerError;
}

const untrusted = 'the certificate of the server is not trusted';

const troubles: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be resolved now',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another name',
};

/** What to tell whoever made a request that failed with `error`: an abort's reason, or a TransportError that says what was tried. */
export function failureOf(error: unknown, request: HttpRequest, reusedSocket = false): Error {
  if (request.signal?.aborted) return request.signal.reason as Error;
  if (error instanceof TransportError) return error;
  const cause = error as NodeJS.ErrnoException;
  const stale = reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
  const trouble = troubles[cause.code ?? ''] ?? 'the connection failed';
  const kind = stale ? StaleConnectionError : trouble === untrusted ? UntrustedServerError : TransportError;
  return new kind(`${request.label}: ${trouble}`, { cause });
}
