import type { ClusterView } from '../storage/cluster-view.js';
import { StatusError } from '../errors.js';
import { cloneJson, isEqual } from '../json.js';
import type { ApiObject, Json } from '../object.js';
import type { ServedResource } from '../resource.js';
import { inVersion } from '../versions.js';
import type { Draft } from './plugin.js';
import type { WebhookCaller } from './webhook-caller.js';
import { type RegisteredWebhook, type Webhook, isExempt, registeredWebhooks } from './webhook-configuration.js';
import { type ReviewResult, WebhookFailure, internalError } from './webhook-review.js';

/** Applies a JSON patch; throws for one that does not fit. */
export type JsonPatch = (document: Json, operations: Json) => Json;

/**
 * Which webhooks must be asked again for one write: those with `IfNeeded` that were asked before something changed.
 *
 * @see apiserver, pkg/admission/plugin/webhook/mutating/reinvocationcontext.go
 */
export class Reinvocation {
  isAgain = false;
  isNeeded = false;
  /** What the webhooks had left, to see whether the plugins have changed it since. */
  output: ApiObject | undefined;
  #askedBefore = new Set<string>();
  readonly #toAsk = new Set<string>();

  /** The second and last round begins. */
  begin(): void {
    this.isAgain = true;
  }

  /** Whether a webhook is asked in this round. */
  includes(id: string): boolean {
    return !this.isAgain || this.#toAsk.has(id);
  }

  /** The object is not what the webhooks before have seen. */
  changed(): void {
    for (const id of this.#askedBefore) this.#toAsk.add(id);
    this.#askedBefore = new Set();
  }

  /** A webhook that wants to be asked again has been asked. */
  asked(id: string): void {
    this.#askedBefore.add(id);
  }
}

/** Asks mutating webhooks, one after the other, and applies what they answer. */
export class MutatingWebhooks {
  constructor(
    private readonly cluster: ClusterView,
    private readonly caller: WebhookCaller,
    private readonly jsonPatch: JsonPatch,
  ) {}

  /** @throws {StatusError} a webhook refuses, or fails with failure policy Fail */
  async dispatch(draft: Draft, reinvocation: Reinvocation): Promise<void> {
    if (isExempt(draft)) return;
    if (reinvocation.isAgain && !isEqual(reinvocation.output, draft.object)) reinvocation.changed();
    for (const registered of registeredWebhooks(this.cluster, 'mutatingwebhookconfigurations')) {
      await this.#ask(registered, draft, reinvocation);
    }
    if (reinvocation.isNeeded && !reinvocation.isAgain) reinvocation.output = draft.object && cloneJson(draft.object);
  }

  async #ask({ id, webhook }: RegisteredWebhook, draft: Draft, reinvocation: Reinvocation): Promise<void> {
    const as = this.caller.isConcerned(webhook, draft);
    if (as === undefined || !reinvocation.includes(id)) return;
    const result = await this.caller.ask(webhook, draft, as, true);
    const changed = result !== undefined && this.#apply(webhook, result, draft, as);
    if (changed) {
      reinvocation.changed();
      reinvocation.isNeeded = true;
    }
    if (webhook.reinvocationPolicy === 'IfNeeded') reinvocation.asked(id);
  }

  /** Whether the object is another one afterwards. */
  #apply(webhook: Webhook, { patch, patchType }: ReviewResult, draft: Draft, as: ServedResource): boolean {
    if (patch === undefined) return false;
    let operations: Json;
    try {
      operations = JSON.parse(patch) as Json;
      if (!Array.isArray(operations)) {
        const kind = operations === null ? 'null' : typeof operations;
        throw new SyntaxError(`json: cannot unmarshal ${kind} into Go value of type jsonpatch.Patch`);
      }
    } catch (error) {
      if (webhook.failurePolicy === 'Ignore') return false;
      const failure = new WebhookFailure(`received undecodable patch in webhook response: ${(error as Error).message}`);
      throw failure.toStatusError(webhook.name);
    }
    if (operations.length === 0) return false;
    const { object, resource } = draft;
    if (object === undefined) {
      const what = 'attempted to modify the object, which is not supported for this operation';
      throw internalError(`admission webhook ${JSON.stringify(webhook.name)} ${what}`);
    }
    if (patchType !== 'JSONPatch') {
      throw new WebhookFailure(`unsupported patch type ${JSON.stringify(patchType)}`).toStatusError(webhook.name);
    }
    const patched = inVersion(this.#patched(inVersion(object, resource, as), operations), as, resource);
    draft.object = patched;
    if (draft.subresource === '') this.#decode(patched, resource, object);
    return !isEqual(object, patched);
  }

  /** What a webhook leaves is decoded anew: kind and types must still be right. */
  #decode(patched: ApiObject, { kind, strategy }: ServedResource, { apiVersion }: ApiObject): void {
    patched.kind ||= kind;
    patched.apiVersion ||= apiVersion;
    if (patched.kind !== kind || patched.apiVersion !== apiVersion) {
      const found = JSON.stringify(patched.kind);
      const version = JSON.stringify(patched.apiVersion);
      throw internalError(
        `no kind ${found} is registered for version ${version} in scheme "pkg/runtime/scheme.go:111"`,
      );
    }
    try {
      strategy.setDefaults?.(patched);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      throw internalError(error.message.replace(/^.* cannot be handled as an? \S+: /, ''));
    }
  }

  #patched(object: ApiObject, operations: Json): ApiObject {
    try {
      return this.jsonPatch(cloneJson(object) as unknown as Json, operations) as unknown as ApiObject;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      throw internalError(error.details?.causes?.[0]?.message ?? error.message);
    }
  }
}
