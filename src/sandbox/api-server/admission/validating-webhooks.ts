import type { AdmissionAttributes } from './admission-chain.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { AdmissionPlugin } from './plugin.js';
import type { WebhookCaller } from './webhook-caller.js';
import { isExempt, registeredWebhooks } from './webhook-configuration.js';

/** Asks validating webhooks, all at once; the first refusal, in their order, is the answer. */
export class ValidatingWebhooks implements AdmissionPlugin {
  constructor(
    private readonly cluster: ClusterView,
    private readonly caller: WebhookCaller,
  ) {}

  async validate(attributes: AdmissionAttributes): Promise<void> {
    if (isExempt(attributes)) return;
    const concerned = registeredWebhooks(this.cluster, 'validatingwebhookconfigurations').flatMap(({ webhook }) => {
      const as = this.caller.isConcerned(webhook, attributes);
      return as ? [{ webhook, as }] : [];
    });
    if (concerned.length === 0) return;
    const answers = await Promise.allSettled(
      concerned.map(({ webhook, as }) => this.caller.ask(webhook, attributes, as, false)),
    );
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  }
}
