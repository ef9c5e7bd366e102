import { setTimeout as delay } from 'node:timers/promises';

import type { AdminApi } from './admin-api.js';

interface DaemonSet {
  metadata: { name: string };
  status?: { numberReady?: number };
}
interface Condition {
  type: string;
  status: string;
}
interface Webhooks {
  webhooks: { clientConfig: { caBundle?: string }; failurePolicy: string }[];
}

const timeoutMs = 60_000;

/** What a mesh consists of, each with the question whether it works. */
type Checks = Record<string, () => Promise<boolean>>;

/**
 * Waits until injection is served, the class `istio-waypoint` is accepted, ztunnel and the CNI agent run on every node,
 * and istiod's ambient index answers.
 *
 * @throws {Error} after 60 s, naming what is missing
 */
export async function whenMeshIsReady(api: AdminApi, expected: { nodes: number; istiodUrl: string }): Promise<void> {
  const waiting = new Map(Object.entries(checks(api, expected)));
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answers = await Promise.all(
      [...waiting].map(async ([name, check]) => [name, await check().catch(() => false)] as const),
    );
    for (const [name, isThere] of answers) if (isThere) waiting.delete(name);
    if (waiting.size === 0) return;
    if (performance.now() > deadline)
      throw new Error(`after ${timeoutMs / 1000} s these are not ready: ${[...waiting.keys()].join(', ')}`);
    await delay(100);
  }
}

function checks(api: AdminApi, { nodes, istiodUrl }: { nodes: number; istiodUrl: string }): Checks {
  return {
    'sidecar injector': async () => {
      const { webhooks } = (await api.get(
        '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector',
      )) as Webhooks;
      return webhooks.every((webhook) => webhook.clientConfig.caBundle);
    },
    // istiod makes them fail closed only when it has seen its own webhook answer.
    'validation of Istio objects': async () => {
      const { items } = (await api.get(
        '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?labelSelector=app%3Distiod',
      )) as { items: Webhooks[] };
      return (
        items.length === 2 &&
        items.every(({ webhooks }) => webhooks.every(({ failurePolicy }) => failurePolicy === 'Fail'))
      );
    },
    'GatewayClass istio-waypoint': async () => {
      const gatewayClass = (await api.get('/apis/gateway.networking.k8s.io/v1/gatewayclasses/istio-waypoint')) as {
        status?: { conditions?: Condition[] };
      };
      return (
        gatewayClass.status?.conditions?.some(({ type, status }) => type === 'Accepted' && status === 'True') ?? false
      );
    },
    'DaemonSets ztunnel and istio-cni-node': async () => {
      const { items } = (await api.get('/apis/apps/v1/namespaces/istio-system/daemonsets')) as { items: DaemonSet[] };
      return items.length === 2 && items.every(({ status }) => status?.numberReady === nodes);
    },
    "istiod's ambient index": async () => (await fetch(`${istiodUrl}/debug/ambientz`)).ok,
  };
}
