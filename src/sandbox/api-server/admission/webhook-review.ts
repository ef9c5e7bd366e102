import { StatusError, type StatusDetails, badRequest } from '../errors.js';
import { isRecord } from '../json.js';

const apiVersion = 'admission.k8s.io/v1';

/** A webhook could not be asked, or its answer makes no sense: its failure policy decides. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure';

  /** What goes to the client where the failure policy is Fail. */
  toStatusError(webhook: string): StatusError {
    const message = `failed calling webhook ${JSON.stringify(webhook)}: ${this.message}`;
    return internalError(message);
  }
}

/** 500 that tells its cause (`NewInternalError` of apimachinery). */
export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** What a webhook has decided. */
export interface ReviewResult {
  allowed: boolean;
  warnings: string[];
  /** Text of a JSON patch. */
  patch?: string;
  patchType?: string;
  /** Why not. */
  status?: ReviewStatus;
}

interface ReviewStatus {
  code?: number;
  reason?: string;
  message?: string;
  details?: StatusDetails;
}

/** The body of a request to a webhook. */
export function reviewBody(request: object): object {
  return { kind: 'AdmissionReview', apiVersion, request };
}

/**
 * Checks the answer of a webhook.
 *
 * @throws {WebhookFailure} it is not an answer to the request, or says what a webhook of its type cannot say
 * @see apiserver, pkg/admission/plugin/webhook/request/admissionreview.go, VerifyAdmissionResponse
 */
export function readReview(body: unknown, uid: string, isMutating: boolean): ReviewResult {
  const invalid = (why: string): WebhookFailure => new WebhookFailure(`received invalid webhook response: ${why}`);
  const review = isRecord(body) ? body : {};
  const response = review['response'];
  if (!isRecord(response)) throw invalid('webhook response was absent');
  const { allowed = false } = response;
  if (typeof allowed !== 'boolean') throw new WebhookFailure(`failed to call webhook: ${notBoolean(allowed)}`);
  const text = (field: string): string => (typeof response[field] === 'string' ? response[field] : '');
  if (text('uid') !== uid) {
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text('uid'))}`);
  }
  const kind = groupVersionKind(review);
  const expected = 'admission.k8s.io/v1, Kind=AdmissionReview';
  if (kind !== expected) throw invalid(`expected webhook response of ${expected}, got ${kind}`);
  const [patch, patchType] = [text('patch'), response['patchType']];
  const problem = patchProblem(isMutating, patch, patchType);
  if (problem !== undefined) throw invalid(problem);
  return {
    allowed,
    warnings: (response['warnings'] as string[] | null | undefined) ?? [],
    ...(patch !== '' && { patch: Buffer.from(patch, 'base64').toString(), patchType: patchType as string }),
    ...(isRecord(response['status']) && { status: response['status'] }),
  };
}

/** What Go's decoder says. */
function notBoolean(value: unknown): string {
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return `json: cannot unmarshal ${kind} into Go struct field AdmissionResponse.response.allowed of type bool`;
}

function patchProblem(isMutating: boolean, patch: string, patchType: unknown): string | undefined {
  const hasType = patchType !== undefined && patchType !== null;
  if (!isMutating) {
    if (patch !== '') return 'validating webhook may not return response.patch';
    return hasType ? 'validating webhook may not return response.patchType' : undefined;
  }
  if (patch !== '' && !hasType) return 'webhook returned response.patch but not response.patchType';
  if (patch === '' && hasType) return 'webhook returned response.patchType but not response.patch';
  return patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}

/** As Go prints it: `group/version, Kind=Kind`. */
function groupVersionKind(review: Record<string, unknown>): string {
  const version = typeof review['apiVersion'] === 'string' ? review['apiVersion'] : '';
  const kind = typeof review['kind'] === 'string' ? review['kind'] : '';
  return `${version.includes('/') ? version : `/${version}`}, Kind=${kind}`;
}

/** What the client gets for a denial. @see apiserver, pkg/admission/plugin/webhook/errors/statuserror.go */
export function denial(
  webhook: string,
  { code = 0, reason = '', message = '', details }: ReviewStatus = {},
): StatusError {
  const deniedBy = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const why = message || reason;
  return new StatusError(
    code < 400 ? 400 : code,
    reason,
    why === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`,
    details,
  );
}

/** A dry run would have side effects. */
export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}
