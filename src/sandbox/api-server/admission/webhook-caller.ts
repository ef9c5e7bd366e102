import { randomUUID } from 'node:crypto';
import type { AdmissionAttributes } from './admission-chain.js';
import type { Authorizer } from '../auth/auth-interfaces.js';
import type { ServedResource } from '../resource.js';
import { admissionRequest, requestValues } from './cel-request.js';
import { inVersion } from '../versions.js';
import { meetsConditions } from './match-conditions.js';
import { type Draft, denied } from './plugin.js';
import type { RequestMatcher } from './request-match.js';
import type { WebhookClient } from './webhook-client.js';
import type { Webhook } from './webhook-configuration.js';
import {
  type ReviewResult,
  WebhookFailure,
  denial,
  dryRunUnsupported,
  readReview,
  reviewBody,
} from './webhook-review.js';

/** What both types of webhooks have in common: whom to ask, and asking. */
export class WebhookCaller {
  constructor(
    private readonly matcher: RequestMatcher,
    private readonly client: WebhookClient,
    private readonly authorizer: Authorizer,
  ) {}

  /**
   * The resource in the version that the webhook wants to see, or undefined if the request does not concern it.
   *
   * @throws {import('../errors.js').StatusError} a condition fails, and the failure policy is Fail
   */
  isConcerned(webhook: Webhook, attributes: Draft | AdmissionAttributes): ServedResource | undefined {
    const { rules = [], matchPolicy, namespaceSelector, objectSelector, matchConditions = [] } = webhook;
    if (rules.length === 0) return undefined;
    const as = this.matcher.match(attributes, { rules, matchPolicy, namespaceSelector, objectSelector });
    if (as === undefined) return undefined;
    const result = meetsConditions(matchConditions, () => requestValues(attributes, as, this.authorizer));
    if (!('error' in result)) return result.matches ? as : undefined;
    if (webhook.failurePolicy === 'Ignore') return undefined;
    throw denied(attributes, result.error);
  }

  /**
   * Asks a webhook about a request.
   *
   * @returns what it says, or undefined if it failed and its failure policy is Ignore
   * @throws {import('../errors.js').StatusError} it says no, or it failed and its failure policy is Fail
   */
  async ask(
    webhook: Webhook,
    attributes: Draft | AdmissionAttributes,
    as: ServedResource,
    isMutating: boolean,
  ): Promise<ReviewResult | undefined> {
    if (attributes.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
      throw dryRunUnsupported(webhook.name);
    }
    try {
      const result = await this.#review(webhook, attributes, as, isMutating);
      for (const warning of result.warnings.filter(isPrintable)) attributes.warn(warning);
      if (!result.allowed) throw denial(webhook.name, result.status);
      return result;
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (webhook.failurePolicy === 'Ignore') return undefined;
      throw error.toStatusError(webhook.name);
    }
  }

  async #review(
    webhook: Webhook,
    attributes: Draft | AdmissionAttributes,
    as: ServedResource,
    isMutating: boolean,
  ): Promise<ReviewResult> {
    const uid = randomUUID();
    const { object, oldObject, resource } = attributes;
    const { operation, userInfo, dryRun, options, ...about } = admissionRequest(attributes, as);
    const request = {
      uid,
      ...about,
      operation,
      userInfo,
      object: object ? inVersion(object, resource, as) : null,
      oldObject: oldObject ? inVersion(oldObject, resource, as) : null,
      dryRun,
      options,
    };
    const body = await this.client.post(webhook.clientConfig, reviewBody(request), webhook.timeoutSeconds);
    return readReview(body, uid, isMutating);
  }
}

/** Whether a text can stand in a header; others are dropped. */
function isPrintable(warning: string): boolean {
  return warning !== '' && !/[\0-\x1f\x7f]/.test(warning);
}
