import { createPatch } from 'rfc6902';
import type { Node } from '../nodes.js';
import type { Pod } from '../../../kube/types.js';
import { InjectionError, injectPod } from '../injector/inject-pod.js';
import type { InjectionConfig } from '../injector/injection-config.js';
import { isInjectionRequired } from '../injector/injection-policy.js';
import type { Webhook } from './webhook-server.js';
import type { AuthorizationPolicy } from './kinds.js';
import { wrongPolicy } from './policy-validation.js';

/** The minor version of Kubernetes from which native sidecars are used. */
const nativeSidecarsSince = 33;

/**
 * The webhook that injects sidecars.
 *
 * @param config  undefined while istiod does not know it
 * @param nodes  all nodes: one old kubelet makes native sidecars impossible
 */
export function injectionWebhook(config: () => InjectionConfig | undefined, nodes: () => readonly Node[]): Webhook {
  return ({ object, namespace = '' }) => {
    const pod = object as Pod;
    const known = config();
    if (known === undefined) return { allowed: false, message: 'istiod has no configuration yet' };
    if (!isInjectionRequired(pod, namespace)) return { allowed: true };
    try {
      const nativeSidecars = nodes().every(supportsNativeSidecars);
      return { allowed: true, patch: createPatch(pod, injectPod(known, { pod, namespace, nativeSidecars })) };
    } catch (error) {
      if (!(error instanceof InjectionError)) throw error;
      return { allowed: false, message: error.message };
    }
  };
}

function supportsNativeSidecars({ status }: Node): boolean {
  const minor = /^v?\d+\.(\d+)/.exec(status?.nodeInfo?.kubeletVersion ?? '')?.[1];
  return minor === undefined || Number(minor) >= nativeSidecarsSince;
}

/** The webhook that refuses wrong configuration of Istio; of its kinds only AuthorizationPolicies are looked into. */
export const validationWebhook: Webhook = ({ kind, object, namespace }) => {
  if (kind.kind !== 'AuthorizationPolicy') return { allowed: true };
  const policy = object as AuthorizationPolicy;
  const metadata = { ...policy.metadata, ...(namespace !== undefined && { namespace }) };
  const wrong = wrongPolicy({ ...policy, metadata });
  return wrong === undefined ? { allowed: true } : { allowed: false, message: `configuration is invalid: ${wrong}` };
};
