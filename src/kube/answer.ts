import { ApiError } from './errors.js';
import type { KubeObject } from './resource.js';
import type { HttpResponse } from './transport.js';

/** `metav1.Status`, the body of an answer that is not a success. */
interface Status {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number; causes?: { reason?: string; message?: string; field?: string }[] };
}

/** Longest part of a foreign answer (a proxy's page) that goes into a message. */
const maxQuoted = 300;

/** A server that asks for more is asked again sooner: a wrong header, or a clock that is off, must not stop us for hours. */
const maxRetryAfterMs = 60_000;

/** The error for an answer with a status outside 2xx. `label` says what was tried, on what. */
export function apiErrorFromResponse(label: string, response: HttpResponse, nowMs: number): ApiError {
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], nowMs);
  const status = parseStatus(response.body);
  if (status) return apiErrorFromStatus(label, { ...status, code: response.status }, retryAfterMs);
  const said = response.body.trim().slice(0, maxQuoted);
  return new ApiError(`${label}: HTTP ${response.status}${said === '' ? '' : `: ${said}`}`, {
    code: response.status,
    reason: 'Unknown',
    retryAfterMs,
  });
}

/** The error for a Status that came as a body or in a watch. */
export function apiErrorFromStatus(label: string, body: unknown, retryAfterMs?: number): ApiError {
  const status = (body ?? {}) as Status;
  const code = status.code ?? 500;
  const reason = status.reason === undefined || status.reason === '' ? 'Unknown' : status.reason;
  const seconds = status.details?.retryAfterSeconds;
  return new ApiError(`${label}: ${code} ${reason}: ${status.message ?? 'no message'}`, {
    code,
    reason,
    retryAfterMs: retryAfterMs ?? (seconds === undefined ? undefined : bounded(seconds * 1000)),
    details: status.details,
  });
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Status | null;
    return parsed?.kind === 'Status' ? parsed : undefined;
  } catch {
    // Not from the API server itself: a proxy or load balancer in between.
    return undefined;
  }
}

/**
 * Milliseconds to wait by a Retry-After header: seconds or an HTTP date.
 *
 * @returns undefined if the header is absent or unreadable; never negative, at most 60,000
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return bounded(Number(header) * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : bounded(date - nowMs);
}

const bounded = (ms: number): number => Math.min(Math.max(0, ms), maxRetryAfterMs);

/**
 * Whether a 429 is the verdict of a PodDisruptionBudget on an eviction: an answer to act on, not a busy server.
 */
export function isDisruptionRefused(error: ApiError): boolean {
  const causes = (error.details as Status['details'])?.causes ?? [];
  return error.code === 429 && causes.some((cause) => cause.reason === 'DisruptionBudget');
}

/**
 * Drops `metadata.managedFields`, often half of an object. Assigns undefined: deleting the key would turn the metadata
 * into a hash table, a third larger in memory.
 */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const metadata = object.metadata as { managedFields?: unknown } | undefined;
  if (metadata?.managedFields !== undefined) metadata.managedFields = undefined;
  return object;
}
