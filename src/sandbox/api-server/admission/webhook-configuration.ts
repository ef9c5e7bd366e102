import type { LabelSelector } from '../../../kube/selectors.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { MatchCondition } from './match-conditions.js';
import type { RequestRule } from './request-rules.js';

/** One webhook of a configuration, after defaulting. */
export interface Webhook {
  name: string;
  clientConfig: WebhookClientConfig;
  rules?: RequestRule[];
  failurePolicy?: 'Fail' | 'Ignore';
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  sideEffects?: string;
  /** Default: 10. */
  timeoutSeconds?: number;
  admissionReviewVersions: string[];
  /** Of mutating webhooks. */
  reinvocationPolicy?: 'Never' | 'IfNeeded';
  matchConditions?: MatchCondition[];
}

/** Where a webhook is. */
export interface WebhookClientConfig {
  url?: string;
  service?: ServiceReference;
  /** PEM in base64. */
  caBundle?: string;
}

/** A Service in the cluster. */
interface ServiceReference {
  namespace: string;
  name: string;
  path?: string;
  port?: number;
}

/** A webhook, and what names it among all. */
export interface RegisteredWebhook {
  readonly id: string;
  readonly webhook: Webhook;
}

/** All webhooks of a kind of configuration as it is stored now, by name of the configuration, then by place. */
export function registeredWebhooks(
  cluster: ClusterView,
  plural: 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations',
): RegisteredWebhook[] {
  const configurations = cluster.list({ group: 'admissionregistration.k8s.io', plural });
  return [...configurations]
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap(({ metadata, webhooks }) =>
      ((webhooks as Webhook[] | undefined) ?? []).map((webhook, index) => ({
        id: `${metadata.name}/${webhook.name}/${index}`,
        webhook,
      })),
    );
}

/** Configurations of admission are not subject to it: a broken one must stay correctable. */
export function isExempt({ resource }: { resource: { group: string; plural: string } }): boolean {
  return (
    resource.group === 'admissionregistration.k8s.io' &&
    [
      'mutatingwebhookconfigurations',
      'validatingwebhookconfigurations',
      'validatingadmissionpolicies',
      'validatingadmissionpolicybindings',
      'mutatingadmissionpolicies',
      'mutatingadmissionpolicybindings',
    ].includes(resource.plural)
  );
}
