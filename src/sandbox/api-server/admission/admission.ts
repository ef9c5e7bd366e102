import type { AdmissionAttributes, AdmissionChain } from './admission-chain.js';
import type { ApiObject } from '../object.js';
import type { AdmissionPlugin, Draft } from './plugin.js';
import { type MutatingWebhooks, Reinvocation } from './mutating-webhooks.js';

/**
 * The admission chain: built-in plugins in order, then mutating webhooks; both once more if a webhook has changed the
 * object (`reinvoker` of apiserver). After the strategy's validation the validating side of the same plugins runs.
 */
export class Admission implements AdmissionChain {
  /**
   * @param mutating    in order, before the webhooks
   * @param afterwards  called once, when the object is what it will be
   * @param validating  in order
   * @param close       closes connections
   */
  constructor(
    private readonly mutating: readonly AdmissionPlugin[],
    private readonly webhooks: MutatingWebhooks,
    private readonly afterwards: (draft: Draft) => void,
    private readonly validating: readonly AdmissionPlugin[],
    readonly close: () => void,
  ) {}

  async mutate(attributes: AdmissionAttributes): Promise<ApiObject | undefined> {
    const draft: Draft = { ...attributes };
    const reinvocation = new Reinvocation();
    await this.#round(draft, reinvocation);
    if (reinvocation.isNeeded) {
      reinvocation.begin();
      await this.#round(draft, reinvocation);
    }
    this.afterwards(draft);
    return draft.object;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.validating) await plugin.validate?.(attributes);
  }

  async #round(draft: Draft, reinvocation: Reinvocation): Promise<void> {
    for (const plugin of this.mutating) await plugin.mutate?.(draft);
    await this.webhooks.dispatch(draft, reinvocation);
  }
}
