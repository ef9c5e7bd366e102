import { badRequest, errorBody, StatusError } from '../errors.js';

/**
 * A `resourceVersion` parameter as a number; 0 for none.
 *
 * @throws {StatusError} 400
 */
export function parseResourceVersion(text: string): number {
  if (text === '' || text === '0') return 0;
  if (/^\d+$/.test(text)) return Number(text);
  const detail = unparsable(text);
  const error = { type: 'Invalid value', field: 'resourceVersion', value: text, detail } as const;
  throw badRequest(`invalid resource version: resourceVersion: ${errorBody(error)}`);
}

/** What Go says of a number that is none. */
export function unparsable(text: string): string {
  return `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
}

/** 504: a version that is yet to come. */
export function tooLarge(asked: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** 410 for a list or page at a version that is forgotten. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}
