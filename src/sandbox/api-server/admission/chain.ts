import type { Clock } from '../../../clock.js';
import type { AdmissionChain } from './admission-chain.js';
import { RbacAuthorizer } from '../auth/rbac.js';
import { confirmNoEscalation } from '../auth/escalation.js';
import type { ClusterView } from '../storage/cluster-view.js';
import { jsonPatch } from '../merge/json-patch.js';
import type { Registry } from '../registry.js';
import type { Operations } from '../operations.js';
import { Admission } from './admission.js';
import { defaultTolerations } from './default-tolerations.js';
import { limitRanger } from './limit-ranger.js';
import { MutatingWebhooks } from './mutating-webhooks.js';
import { namespaceLifecycle } from './namespace-lifecycle.js';
import { podSecurity } from './pod-security/pod-security.js';
import { priority } from './priority.js';
import { RequestMatcher } from './request-match.js';
import { ResourceQuotas } from './resource-quota.js';
import { serviceAccount } from './service-account.js';
import { ValidatingPolicies } from './validating-policies.js';
import { ValidatingWebhooks } from './validating-webhooks.js';
import { WebhookCaller } from './webhook-caller.js';
import { WebhookClient } from './webhook-client.js';

/** What admission is made from. */
export interface AdmissionParts {
  cluster: ClusterView;
  registry: Registry;
  /** Writes the status of quotas. */
  operations: Operations;
  /** Times out webhooks. */
  clock: Clock;
  /** Five random letters, for names. */
  suffix: () => string;
}

/** The plugins that a real API server has by default, as far as the sandbox has what they look at, in their order. */
export function admissionChain(parts: AdmissionParts): AdmissionChain {
  const { cluster, registry, operations, clock, suffix } = parts;
  const authorizer = new RbacAuthorizer(cluster);
  const matcher = new RequestMatcher(cluster, registry);
  const client = new WebhookClient(clock);
  const caller = new WebhookCaller(matcher, client, authorizer);
  const quotas = new ResourceQuotas(cluster, registry, () => clock.now());
  quotas.keepStatus(operations);
  const limits = limitRanger(cluster);
  const priorities = priority(cluster);
  return new Admission(
    [namespaceLifecycle(cluster), limits, serviceAccount(cluster, clock, suffix), priorities, defaultTolerations],
    new MutatingWebhooks(cluster, caller, jsonPatch),
    (draft) => confirmNoEscalation(authorizer, draft),
    [
      limits,
      podSecurity(cluster),
      priorities,
      new ValidatingPolicies(cluster, registry, matcher, authorizer),
      new ValidatingWebhooks(cluster, caller),
      quotas,
    ],
    () => client.close(),
  );
}
