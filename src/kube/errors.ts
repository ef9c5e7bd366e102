/** What is known about an answer that was not a success. */
export interface ApiErrorInfo {
  /** HTTP status. */
  code: number;
  /** Machine-readable reason of the Kubernetes Status, such as `NotFound`; `Unknown` if the answer held none. */
  reason: string;
  /** From the Retry-After header or the Status; how long the server asks us to stay away. */
  retryAfterMs?: number | undefined;
  /** `details` of the Kubernetes Status: kind, name, causes. */
  details?: unknown;
  cause?: unknown;
}

/**
 * The API server answered, and not with a success. The message says what was tried, on which object, and what the server
 * said.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  // Declared only, so that logs of errors without them do not show them.
  declare readonly retryAfterMs?: number;
  declare readonly details?: unknown;

  constructor(message: string, info: ApiErrorInfo) {
    super(message, info.cause === undefined ? undefined : { cause: info.cause });
    this.code = info.code;
    this.reason = info.reason;
    if (info.retryAfterMs !== undefined) this.retryAfterMs = info.retryAfterMs;
    if (info.details !== undefined) this.details = info.details;
  }
}

/**
 * No usable answer: connection refused or reset, TLS failure, deadline passed, a stream that broke off or fell silent, or
 * an answer that is not what the API speaks. Whether a write took place is unknown. The underlying error is the `cause`.
 */
export class TransportError extends Error {
  override readonly name: string = 'TransportError';
}

/**
 * A watch brought nothing for so long that its connection may be dead. Not a failure by itself: the API server sends
 * bookmarks only for kinds of which it has seen a change, so a kind that nobody ever wrote is silent by nature (seen on
 * kube-apiserver 1.35).
 */
export class SilentStreamError extends TransportError {
  override readonly name: string = 'SilentStreamError';
}

/** The object, or its whole kind, does not exist (404). */
export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 404;
}

/** Somebody else changed the object, or owns the field (409, but not AlreadyExists). */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 409 && error.reason !== 'AlreadyExists';
}

/** A create met an object of that name (409 AlreadyExists). */
export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason === 'AlreadyExists';
}

/** The resource version or continue token is too old (410 Gone or Expired): list again. */
export function isGone(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** RBAC or admission forbids it (403). */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 403;
}

/** The object breaks the schema or a validation rule (422). */
export function isInvalid(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 422;
}
